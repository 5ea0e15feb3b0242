/* SPDX-License-Identifier: MIT */
/* "Did you mean": the known name that a mistyped one is suggest to.  Pure. */
#ifndef T3OPS_OPTIONS_SUGGEST_H
#define T3OPS_OPTIONS_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *typed;
	const char *name; /* best so far, NULL if none is near enough; borrowed */
	size_t distance;
};

void suggest_init(struct suggest *n, const char *typed);
void suggest_consider(struct suggest *n, const char *name);
/* Writes "; did you mean \"NAME\"?" or "". */
void suggest_hint(const struct suggest *n, char *out, size_t size);

#endif
