/* SPDX-License-Identifier: MIT */
/* What the check of a configuration said, line by line, for the log and for whoever asked.  Supervisor only. */
#ifndef T3OPS_SUPERVISOR_CHECK_REPORT_H
#define T3OPS_SUPERVISOR_CHECK_REPORT_H

#include "obs/config_errors.h"
#include "sys/buf.h"

/* All zero is empty. */
struct check_report {
	struct buf lines; /* a byte with the severity, the line, a newline; and so on */
	size_t n_errors;
};

/* Logs a line that finds no memory at once. */
void check_report_add(struct check_report *r, enum config_severity severity, const char *line);
/* A line of the log each. */
void check_report_log(const struct check_report *r);
/* Appends those of that severity to text, a newline before each but the first one in it. */
void check_report_text(const struct check_report *r, enum config_severity severity, struct buf *text);
/* The first error, and how many there are beside it; "" if there is none. */
void check_report_summary(const struct check_report *r, char *out, size_t size);
void check_report_clear(struct check_report *r);

#endif
