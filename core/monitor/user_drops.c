/* SPDX-License-Identifier: MIT */
/* Which drops are left, and when they were over; see user_drops.h. */
#include "monitor/user_drops.h"

#include <stdbool.h>
#include <stdlib.h>

#include "monitor/verdict_span.h"
#include "sys/time_text.h"

#define TOGETHER_US UINT64_C(10000000)   /* of one cause */
#define AROUND_US   UINT64_C(20000000)   /* a leg that broke so near may tell of it */
#define BACK_US     UINT64_C(3600000000) /* who comes back later was away */

static int by_time(const void *a, const void *b)
{
	const struct user_event *l = a, *r = b;

	return (l->time_us > r->time_us) - (l->time_us < r->time_us);
}

static bool is_told_by(const json_t *verdict, uint64_t at_us)
{
	struct verdict_span span;

	return verdict_span_read(verdict, &span) && at_us + TOGETHER_US >= span.began_us &&
	       (span.ended_us == 0 || at_us <= span.ended_us + TOGETHER_US);
}

static bool is_told(const json_t *verdicts, uint64_t at_us)
{
	json_t *verdict;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)verdicts, i, verdict)
		if (is_told_by(verdict, at_us))
			return true;
	return false;
}

static bool one_broke(const json_t *verdict, const struct user_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (events[i].kind == USER_DROPPED && is_told_by(verdict, events[i].time_us))
			return true;
	return false;
}

void user_drops_filter(json_t *verdicts, const char *user, const struct user_event *events, size_t n)
{
	for (size_t i = json_array_size(verdicts); i-- > 0;) {
		const json_t *verdict = json_array_get(verdicts, i);

		if (!verdict_span_is_about(verdict, user) && !one_broke(verdict, events, n))
			json_array_remove(verdicts, i);
	}
}

/* From `at` on; NULL: not soon. */
static const struct user_event *back_find(const struct user_event *events, size_t n, size_t at)
{
	for (size_t i = at + 1; i < n && events[i].time_us <= events[at].time_us + BACK_US; i++)
		if (events[i].kind == USER_BACK)
			return &events[i];
	return NULL;
}

static bool leg_failed_near(const struct user_event *events, size_t n, uint64_t at_us)
{
	for (size_t i = 0; i < n; i++)
		if (events[i].kind == USER_LEG_DOWN && events[i].time_us + AROUND_US >= at_us &&
		    events[i].time_us <= at_us + AROUND_US)
			return true;
	return false;
}

static json_t *drop_json(const struct user_event *events, size_t n, size_t at)
{
	const struct user_event *back = back_find(events, n, at);
	char time[TIME_TEXT_SIZE];

	time_text(events[at].time_us, time);
	return json_pack("{s:s, s:o, s:b, s:s}", "time", time, "seconds",
	                 back != NULL ? json_real((double)(back->time_us - events[at].time_us) / 1e6) : json_null(),
	                 "legs_failed", (int)leg_failed_near(events, n, events[at].time_us), "text", events[at].text);
}

json_t *user_drops_make(struct user_event *events, size_t n, const json_t *verdicts)
{
	json_t *list = json_array();
	uint64_t last_us = 0;

	if (n > 0)
		qsort(events, n, sizeof *events, by_time);
	for (size_t i = 0; i < n; i++) {
		if (events[i].kind != USER_DROPPED || (last_us > 0 && events[i].time_us < last_us + TOGETHER_US))
			continue;
		last_us = events[i].time_us;
		if (!is_told(verdicts, last_us))
			json_array_insert_new(list, 0, drop_json(events, n, i));
	}
	return list;
}
