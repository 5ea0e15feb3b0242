/* SPDX-License-Identifier: MIT */
/* One value of a line of the log, as the journal keeps it.  Pure. */
#ifndef T3OPS_MONITOR_LOGFMT_VALUE_H
#define T3OPS_MONITOR_LOGFMT_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* The value of key= in out, unescaped, cut if it is too long.  False, and out is "": there is none. */
bool logfmt_value(const char *line, const char *key, char *out, size_t size);

#endif
