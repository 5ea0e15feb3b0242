/* SPDX-License-Identifier: MIT */
/* What jobs and plugins know of each user, as they have it in their metrics.  Monitor process. */
#ifndef T3OPS_MONITOR_USER_FACTS_H
#define T3OPS_MONITOR_USER_FACTS_H

#include <jansson.h>

#include "obs/metrics.h"

/*
 * New reference: {USER:{"times":{NAME:TIME}, "facts":{NAME:TEXT}}}, of every gauge with a label "user" whose name
 * ends in _timestamp_seconds: a time, called by its label "task" or by the name; or in _info, and it is 1: its other
 * labels are facts.
 */
json_t *user_facts(struct metrics *m);
/* The same of the text of the metrics page. */
json_t *user_facts_of(const char *page);

#endif
