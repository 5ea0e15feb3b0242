/* SPDX-License-Identifier: MIT */
/* A verdict as it is written down: JSON for /verdicts, journal and t3opsctl, an event for the log. */
#ifndef T3OPS_MONITOR_VERDICT_JSON_H
#define T3OPS_MONITOR_VERDICT_JSON_H

#include <jansson.h>

#include "diagnosis/verdict.h"
#include "obs/event.h"

/* New reference; NULL without memory. */
json_t *verdict_json(const struct verdict *v);
/* The event that goes to log and journal; what is too long for it ends in "..." behind a whole word. */
void verdict_event(const struct verdict *v, struct event *e);

/* "cloudflare tunnel", as an event has it. */
void segments_text(const struct tomo_path *p, char *out, size_t size);
/* Copies; what is too long ends in "..." behind a whole word. */
void text_shorten(const char *text, char *out, size_t size);
/* "leg(alice)". */
void leg_label(const struct leg *leg, char *out, size_t size);

#endif
