/* SPDX-License-Identifier: MIT */
/* From when to when a verdict's fault was there, whom it affected, and what it named: of its JSON (verdict_json.h).
 * Pure. */
#ifndef T3OPS_MONITOR_VERDICT_SPAN_H
#define T3OPS_MONITOR_VERDICT_SPAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct verdict_span {
	uint64_t began_us, ended_us; /* since 1970; ended_us 0: it stands */
};

/* False: that is not the JSON of a verdict. */
bool verdict_span_read(const json_t *verdict, struct verdict_span *out);
double verdict_span_seconds(const struct verdict_span *s, uint64_t now_us);

/* Whether it affected the user. */
bool verdict_span_has_user(const json_t *verdict, const char *user);
/* The same, or names a segment of the user's own: "serve(alice)". */
bool verdict_span_is_about(const json_t *verdict, const char *user);
/* Whether it is among the suspects; "serve" is "serve(alice)", too. */
bool verdict_span_has_segment(const json_t *verdict, const char *segment);
/* How many users it affected, those left out of the list included. */
uint64_t verdict_span_users(const json_t *verdict);

/* Adds the members that answers have beside a verdict's own: "duration_seconds", "lasted". */
void verdict_span_add(json_t *verdict, uint64_t now_us);

#endif
