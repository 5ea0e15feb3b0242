/* SPDX-License-Identifier: MIT */
/*
 * A log line as an entry of the systemd journal, in its native protocol: a datagram with PRIORITY, SYSLOG_IDENTIFIER,
 * the line as MESSAGE, and each of its pairs as a field of its own, T3OPS_USER= of user=.  Never waits.  Any process.
 */
#ifndef T3OPS_OBS_LOG_JOURNAL_H
#define T3OPS_OBS_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "obs/kv.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A descriptor for log_journal_send, or -errno. */
int log_journal_open(const char *path);

/* The entry; a pair that does not fit whole is left out, the line never.  Returns its length, 0 if not even the line
 * fits. */
size_t log_journal_format(char *out, size_t size, int priority, const char *line, size_t len, const struct kv *pairs,
                          size_t n);

/* 0, -EAGAIN if nobody takes it now, or another -errno: this way is closed. */
int log_journal_send(int fd, const char *entry, size_t len);

#endif
