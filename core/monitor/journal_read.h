/* SPDX-License-Identifier: MIT */
/* What is in the journal.  What waits to be written is written first.  Monitor process. */
#ifndef T3OPS_MONITOR_JOURNAL_READ_H
#define T3OPS_MONITOR_JOURNAL_READ_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/journal.h"

/* The highest number of an incident, of a verdict; 0 if there is none. */
uint64_t journal_last_incident(struct journal *j);
uint64_t journal_last_verdict(struct journal *j);
/* New references, newest first; NULL if the file cannot be read now. */
json_t *journal_verdicts(struct journal *j, uint64_t after, size_t limit); /* with a serial above `after` */
json_t *journal_memories(struct journal *j);                               /* texts of journal_memory, oldest first */
json_t *journal_browsers(struct journal *j);                               /* of journal_browser, no order */
/* What that section of a plugin said in the monitor since then, and how its runs and actions ended since then:
 * time_us, kind, user, line. */
json_t *journal_plugin_events(struct journal *j, const char *plugin, uint64_t since_us, uint64_t ends_since_us,
                              size_t limit);
/* The query of journal_events: newest first, found by an index whatever is asked for, so that it looks at no more
 * rows than it gives. */
const char *journal_events_sql(const char *kind);
json_t *journal_events(struct journal *j, const char *kind, uint64_t since_us, size_t limit); /* kind "": any */

#endif
