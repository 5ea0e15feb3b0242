/* SPDX-License-Identifier: MIT */
/* Whether the monitor could go on with a journal that is there.  Reads it only; in the child that checks a config. */
#ifndef T3OPS_MONITOR_JOURNAL_CHECK_H
#define T3OPS_MONITOR_JOURNAL_CHECK_H

#include <stddef.h>

/* NULL: it could, or there is none; else why not, perhaps in buf.  Looks for a second at
 * most, which of a large one is not all. */
const char *journal_check(const char *path, char *buf, size_t size);
/* The same of what is in it, as far as this account may read it: for one that the monitor's own account keeps. */
const char *journal_check_content(const char *path, char *buf, size_t size);

#endif
