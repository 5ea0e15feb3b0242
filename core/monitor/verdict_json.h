/* SPDX-License-Identifier: MIT */
/* A verdict as it is written down: JSON for /verdicts, journal and t3opsctl(8), an event for the log. */
#ifndef T3OPS_MONITOR_VERDICT_JSON_H
#define T3OPS_MONITOR_VERDICT_JSON_H

#include <jansson.h>

#include "diagnosis/classify_input.h"
#include "diagnosis/slow_paths.h"
#include "obs/event.h"

#define VERDICT_JSON_VERSION 1
#define VERDICT_FAILING_MAX  40  /* rows of evidence in one verdict: what failed; more are counted */
#define VERDICT_USERS_MAX    200 /* names; more are counted */
#define VERDICT_WORKING_MAX  24  /* and what worked */

/* New reference; NULL without memory. */
json_t *verdict_json(const struct verdict_basis *b);
/* Brings what changes without a new revision up to date: state, since when it works, users, times. */
void verdict_json_update(json_t *o, const struct verdict *v, const char *ended_time);
/* The event that goes to log and journal; what is too long for it ends in "..." behind a whole word. */
void verdict_event(const struct verdict_basis *b, struct event *e);
/* The same of one that an earlier monitor gave, without its text. */
void verdict_standing_event(const struct verdict *v, struct event *e);
/* The end of a verdict. */
void verdict_end_event(const struct verdict *v, struct event *e);

/* A drop that showed in what its page did next. */
void drop_event(const struct drop *drop, struct event *e);
/* The beginning or the end of slowness. */
void slow_event(const struct slow_report *r, struct event *e);

/* Copies; what is too long ends in "..." behind a whole word. */
void text_shorten(const char *text, char *out, size_t size);

#endif
