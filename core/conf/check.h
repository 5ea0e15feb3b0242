/* SPDX-License-Identifier: MIT */
/* The check of a config file that `t3ops -t` makes: the same as a start or a reload makes. */
#ifndef T3OPS_CONF_CHECK_H
#define T3OPS_CONF_CHECK_H

#include <stdio.h>

#include "conf/resolve.h"

/* Errors and warnings go to err, one a line; a file without any gets one line for each section on out (NULL: none).
 * NULL: it cannot be read, or has errors. */
struct resolved_config *check_config(const char *path, const struct config_checks *checks, FILE *out, FILE *err);

#endif
