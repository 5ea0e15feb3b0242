/* SPDX-License-Identifier: MIT */
/* What jobs and plugins know of each user, as they have it in their metrics.  Monitor process. */
#ifndef T3OPS_MONITOR_USER_FACTS_H
#define T3OPS_MONITOR_USER_FACTS_H

#include <jansson.h>

#include "obs/metrics.h"

/*
 * Takes a line of the metrics' text, which ends at `end`, and returns where the next one begins.  users:
 * {USER:{"times":{NAME:TIME}, "facts":{NAME:TEXT}}}, of every gauge with a label "user" whose name ends in
 * _timestamp_seconds: a time, called by its label "task" or by the name; or in _info, and it is 1: its other labels
 * are facts.
 */
const char *user_facts_line(json_t *users, const char *at, const char *end);
/* The text that has those gauges; NULL without memory. */
struct metrics_rendering *user_facts_begin(const struct metrics *m);

#endif
