/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a config file, collected until it can be told in the order of its lines.
 * Any process.
 */
#ifndef T3OPS_BASE_COMPLAINTS_H
#define T3OPS_BASE_COMPLAINTS_H

#include <stddef.h>

#include "base/log.h"

#define COMPLAINTS_MAX 100 /* more are counted only */

struct complaint {
	unsigned line; /* 0: of the file as a whole */
	char *text;
};

struct complaints {
	const char *file; /* as the operator named it; borrowed */
	struct complaint rows[COMPLAINTS_MAX];
	size_t n;     /* not yet told */
	size_t total; /* ever added */
};

void complaints_init(struct complaints *c, const char *file);
void complaints_fini(struct complaints *c);
void complaints_add(struct complaints *c, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Tells them in the order of lines, "FILE:12: ...", and forgets them. */
void complaints_tell(struct complaints *c, void (*tell)(void *arg, const char *line), void *arg);

#endif
