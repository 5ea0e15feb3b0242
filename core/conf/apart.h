/* SPDX-License-Identifier: MIT */
/*
 * Code of plugins that nobody configured, run in a child whose end harms nobody: it may crash, or hang, as it likes.
 * Waits for it; for a process that serves nothing.
 */
#ifndef T3OPS_CONF_APART_H
#define T3OPS_CONF_APART_H

#include <stdbool.h>
#include <stdio.h>

struct apart_end {
	int code;        /* what run returned; -1: it came to no end of its own */
	char why[96];    /* then: "took longer than 3 s", "ended with signal 6 (Aborted)" */
	char *out, *err; /* what it wrote, for apart_end_fini */
};

/* run: in the child, with streams of its own. */
void apart_run(int (*run)(void *arg, FILE *out, FILE *err), void *arg, struct apart_end *end);
void apart_end_fini(struct apart_end *end);

#endif
