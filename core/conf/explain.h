/* SPDX-License-Identifier: MIT */
/*
 * `t3ops --explain [WHAT]`: the option tables as an operator reads them.  Plugins are loaded in
 * processes of their own.
 */
#ifndef T3OPS_CONF_EXPLAIN_H
#define T3OPS_CONF_EXPLAIN_H

#include <stdio.h>

/* what: NULL (everything of the core, and a line for each plugin of the directory), PLUGIN,
 * PLUGIN.OPTION, a core option, or command, notify, leg, job, section with or without .OPTION.  Returns
 * the exit code; says on stderr why it is not 0. */
int explain_print(FILE *out, const char *plugin_dir, const char *what);

#endif
