/* SPDX-License-Identifier: MIT */
/* The answer of the command plugins, as a person reads it. */
#ifndef T3OPS_CTL_PRINT_PLUGINS_H
#define T3OPS_CTL_PRINT_PLUGINS_H

#include <jansson.h>
#include <stdio.h>

/* A row for each section; below it what went wrong. */
void print_plugins(FILE *out, const json_t *answer);

#endif
