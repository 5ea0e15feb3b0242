/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a config file, and what is doubtful, collected until it can be reported in the order of its
 * lines.  Any process.
 */
#ifndef T3OPS_OBS_CONFIG_ERRORS_H
#define T3OPS_OBS_CONFIG_ERRORS_H

#include <stdarg.h>
#include <stddef.h>

#include "obs/log.h"

/* A config with errors is refused; one with warnings is not, and a note is about what may well be meant. */
enum config_severity { CONFIG_ERROR, CONFIG_WARNING, CONFIG_NOTE };

struct config_error {
	enum config_severity severity;
	unsigned line; /* 0: of the file as a whole */
	char *text;
};

struct config_errors {
	const char *file; /* as the operator named it; borrowed */
	struct config_error *rows;
	size_t n;     /* not yet reported */
	size_t total; /* errors ever added, repetitions too; warnings do not count */
};

/* Hears a whole line: "FILE:12: ...", "FILE:12: warning: ...", "FILE:12: note: ...", without newline. */
typedef void (*config_report_cb)(void *arg, enum config_severity severity, const char *line);

void config_errors_init(struct config_errors *c, const char *file);
void config_errors_fini(struct config_errors *c);
void config_errors_add(struct config_errors *c, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
void config_warnings_add(struct config_errors *c, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
void config_notes_add(struct config_errors *c, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
__attribute__((format(printf, 4, 0))) void config_errors_addv(struct config_errors *c, enum config_severity severity,
                                                              unsigned line, const char *fmt, va_list ap);
/* Tells them in the order of lines and forgets them. */
void config_errors_report(struct config_errors *c, config_report_cb report, void *arg);

#endif
