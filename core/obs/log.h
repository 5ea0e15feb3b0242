/* SPDX-License-Identifier: MIT */
/*
 * Log lines: one fact a line, logfmt or JSON, to stderr.  Where that is the systemd journal, which adds time and
 * unit, a line is an entry with fields (log_journal.h); elsewhere it begins with time=.  A line that nobody takes is
 * lost and counted, never waited for.  Any process; not from signal handlers.
 *
 *   log_write(LOG_L_ERROR, "notify_failed", kv_path(name), kv_errno(errno));
 */
#ifndef T3OPS_OBS_LOG_H
#define T3OPS_OBS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obs/kv.h"

enum log_level { LOG_L_ERROR = 3, LOG_L_WARNING = 4, LOG_L_NOTICE = 5, LOG_L_INFO = 6, LOG_L_DEBUG = 7 };

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Once at the start of a process: its name as in process=NAME, and the minimum severity that is printed.  Makes
 * descriptor 2 non-blocking, for t3ops alone.  process is static. */
void log_open(const char *process, enum log_level max);

/* Another minimum severity from now on. */
void log_level_set(enum log_level max);

/* Another form from now on; until then it is that of the process that forked this one, at first logfmt. */
void log_format_set(enum log_format format);

/* The journal's descriptor, which is to stay open in this process, or -1.  A fork that does not call log_open never
 * uses it: its lines go to stderr. */
int log_descriptor(void);

/* level=... process=... event=EVENT, then the pairs.  event: noun_verb-past, documented in t3ops(8). */
#define log_write(level, event, ...)                                                                                 \
	log_pairs((level), (event), (const struct kv[]){{0}, ##__VA_ARGS__},                                         \
	          sizeof((const struct kv[]){{0}, ##__VA_ARGS__}) / sizeof(struct kv))
void log_pairs(enum log_level level, const char *event, const struct kv *pairs, size_t n);

/* The same at level info, whatever the minimum severity; json: as a JSON object. */
void log_pairs_always(bool json, const char *event, const struct kv *pairs, size_t n);

/* From now on it is called for every line at level error, printed or not; NULL: nobody is. */
typedef void (*log_error_cb)(void *arg, const char *event, const struct kv *pairs, size_t n);
void log_on_error(log_error_cb cb, void *arg);

/* How many lines this process lost since its start: nobody took them.  Says so in the log if somebody reads again. */
uint64_t log_lost(void);

/* "error" .. "debug" */
const char *log_level_name(enum log_level level);

/* Parses "error" .. "debug". */
bool log_level_parse(const char *text, enum log_level *out);

#endif
