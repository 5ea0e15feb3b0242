/* SPDX-License-Identifier: MIT */
/* "Did you mean": the known name that a mistyped one is nearest to.  Pure. */
#ifndef T3OPS_BASE_NEAREST_H
#define T3OPS_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *typed;
	const char *name; /* best so far, NULL if none is near enough; borrowed */
	size_t distance;
};

void nearest_init(struct nearest *n, const char *typed);
void nearest_try(struct nearest *n, const char *name);
/* Writes "; did you mean \"NAME\"?" or "". */
void nearest_hint(const struct nearest *n, char *out, size_t size);

#endif
