/* SPDX-License-Identifier: MIT */
/* Whether the monitor could go on with a journal that is there.  Reads it only; in the child that checks a config. */
#ifndef T3OPS_MONITOR_JOURNAL_CHECK_H
#define T3OPS_MONITOR_JOURNAL_CHECK_H

#include <stddef.h>

/* NULL: it could, or there is none; else why not, perhaps in buf.  Of a large one it looks at the latest rows only,
 * and for a second at most. */
const char *journal_check(const char *path, char *buf, size_t size);
/* The same of what is in it, as far as this account may read it: for one that the monitor's own account keeps. */
const char *journal_check_content(const char *path, char *buf, size_t size);

#endif
