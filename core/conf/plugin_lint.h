/* SPDX-License-Identifier: MIT */
/*
 * `t3ops -t --plugin FILE`: whether the daemon takes a plugin's file, and what is doubtful about one that it takes.
 * The refusals are the loader's own; the file is loaded in a process of its own.  A process that serves nothing.
 */
#ifndef T3OPS_CONF_PLUGIN_LINT_H
#define T3OPS_CONF_PLUGIN_LINT_H

#include <stdio.h>

enum plugin_lint {
	PLUGIN_LINT_OK = 0,
	PLUGIN_LINT_REFUSED = 1,
	PLUGIN_LINT_WARNED = 3, /* the daemon takes it */
};

/* A line for each finding; which exit code that is. */
enum plugin_lint plugin_lint(const char *file, FILE *out);

#endif
