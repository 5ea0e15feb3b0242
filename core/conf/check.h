/* SPDX-License-Identifier: MIT */
/* The check of a config file that `t3ops -t` makes: the same as a start or a reload makes. */
#ifndef T3OPS_CONF_CHECK_H
#define T3OPS_CONF_CHECK_H

#include <jansson.h>
#include <stdio.h>

/* Complaints go to err, one a line; a good file gets one line for each section on out and leaves
 * its plan in *core and *plugins (new references).  0 or -errno. */
int check_config(const char *path, FILE *out, FILE *err, json_t **core, json_t **plugins);

#endif
