/* SPDX-License-Identifier: MIT */
/*
 * The story of one verdict, for t3opsctl why and the page: what the pages experienced, what was concluded, the
 * evidence in order of time, how long it lasted, what healed it.  Made of the verdict's JSON and of the journal's
 * events around it.  Pure.
 */
#ifndef T3OPS_MONITOR_STORY_H
#define T3OPS_MONITOR_STORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define STORY_BEFORE_US UINT64_C(20000000) /* events that may belong to it come so long before its first drop */
#define STORY_AFTER_US  UINT64_C(10000000) /* and after its end */

/* One event of the journal as the story takes it: new reference. */
json_t *story_event(uint64_t time_us, const char *kind, const char *plugin, const char *user, const char *line);

/* New reference; NULL: that is not the JSON of a verdict, or no memory.  events: of story_event, oldest first.
 * {"verdict":{...}, "experienced":[TEXT], "failed":[TEXT], "worked":[TEXT],
 *  "steps":[{"time":, "offset_seconds":, "what":, "text":}], "healed":TEXT} */
json_t *story_make(const json_t *verdict, const json_t *events, uint64_t now_us);

/* Events of one user who has no verdict, in words: an array of such steps, their offsets from the first one. */
json_t *story_steps_of_user(const json_t *events, const char *user);

#endif
