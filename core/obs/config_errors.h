/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a config file, collected until it can be reported in the order of its lines.
 * Any process.
 */
#ifndef T3OPS_OBS_CONFIG_ERRORS_H
#define T3OPS_OBS_CONFIG_ERRORS_H

#include <stddef.h>

#include "obs/log.h"

#define CONFIG_ERRORS_MAX 100 /* more are counted only */

struct config_error {
	unsigned line; /* 0: of the file as a whole */
	char *text;
};

struct config_errors {
	const char *file; /* as the operator named it; borrowed */
	struct config_error rows[CONFIG_ERRORS_MAX];
	size_t n;     /* not yet reported */
	size_t total; /* ever added */
};

void config_errors_init(struct config_errors *c, const char *file);
void config_errors_fini(struct config_errors *c);
void config_errors_add(struct config_errors *c, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Tells them in the order of lines, "FILE:12: ...", and forgets them. */
void config_errors_report(struct config_errors *c, void (*report)(void *arg, const char *line), void *arg);

#endif
