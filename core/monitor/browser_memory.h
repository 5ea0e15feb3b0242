/* SPDX-License-Identifier: MIT */
/* What is known of users' browsers (diagnosis/browsers.h), kept in the journal for the next monitor.  Monitor
 * process. */
#ifndef T3OPS_MONITOR_BROWSER_MEMORY_H
#define T3OPS_MONITOR_BROWSER_MEMORY_H

#include "diagnosis/diagnosis.h"
#include "monitor/journal.h"

void browser_memory_write(struct journal *j, const struct browser *b);
/* Tells the diagnosis; what cannot be read is not known.  0 or -ENOMEM. */
int browser_memory_read(struct journal *j, struct diagnosis *d);

#endif
