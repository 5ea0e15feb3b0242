/* SPDX-License-Identifier: MIT */
/*
 * Log lines: one fact a line, logfmt, to stderr (journald adds time and unit; elsewhere a line
 * begins with time=).  Usable in every process; not from signal handlers.
 */
#ifndef T3OPS_OBS_LOG_H
#define T3OPS_OBS_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum log_level { LOG_L_ERROR = 3, LOG_L_WARNING = 4, LOG_L_NOTICE = 5, LOG_L_INFO = 6, LOG_L_DEBUG = 7 };

/* Set once at the start of a process: the process's name as in process=NAME, and the least urgent
 * level that is printed.  process is static. */
void log_open(const char *process, enum log_level max);

/* level=... process=... event=EVENT, then the pairs of fmt as they are. */
void log_line(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
__attribute__((format(printf, 3, 0))) void log_linev(enum log_level level, const char *event, const char *fmt,
                                                     va_list ap);

/* Writes value as a logfmt value: bare if it is a plain word, else double-quoted with \" \\ \n
 * and control bytes as \xNN.  Returns the length it needs without NUL, like snprintf; never
 * writes beyond size. */
size_t log_quote(char *out, size_t size, const char *value);

/* Parses "error" .. "debug". */
bool log_level_parse(const char *text, enum log_level *out);

#endif
