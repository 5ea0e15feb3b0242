/* SPDX-License-Identifier: MIT */
/* What a t3 server printed, in a memfd: it holds an owner's credential, so only single harmless lines come out. */
#ifndef T3OPS_PLUGINS_COMMON_SERVER_LOG_H
#define T3OPS_PLUGINS_COMMON_SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* The first line that says that a migration or the database failed, or that there is one which may hold a credential;
 * false: there is none. */
bool server_log_complaint(int fd, char *out, size_t size);
/* The last harmless line that reports an error; "" if none does. */
void server_log_last(int fd, char *out, size_t size);

/* Pure: whether the line complains of a migration or the database; whether it reports an error and is harmless. */
bool server_log_is_complaint(const char *line);
bool server_log_is_error(const char *line);
/* Pure: whether it says that a disk or a quota is full, which is no fault of whoever wrote to it. */
bool server_log_is_full(const char *line);

#endif
