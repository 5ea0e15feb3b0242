/* SPDX-License-Identifier: MIT */
/* Reports of browsers in verdicts; see browser_join.h. */
#include "monitor/browser_join.h"

#include <string.h>

#include "monitor/actions.h"
#include "monitor/verdict_span.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define AROUND_US UINT64_C(60000000) /* before and after the fault; browsers' clocks are not asked, only ages */
#define ROWS_MAX  8                  /* in one verdict */

static bool is_in_time(const json_t *verdict, uint64_t time_us, uint64_t now_us)
{
	struct verdict_span span;

	return verdict_span_read(verdict, &span) && time_us + AROUND_US >= span.began_us &&
	       time_us <= (span.ended_us > 0 ? span.ended_us : now_us) + AROUND_US;
}

/* Whether it was sent from the address of one of the user's WebSockets that broke. */
static bool is_from_there(const json_t *verdict, const struct event *e)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(verdict, "evidence"), i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));
		const char *address = json_string_value(json_object_get(row, "address"));

		if (name != NULL && address != NULL && strcmp(name, e->user) == 0 && strcmp(address, e->address) == 0)
			return true;
	}
	return false;
}

bool browser_join_add(json_t *verdict, const struct event *e, uint64_t now_us)
{
	json_t *rows = json_object_get(verdict, "browser");
	char time[TIME_TEXT_SIZE];

	if (json_array_size(rows) >= ROWS_MAX || !verdict_span_is_about(verdict, e->user) ||
	    !is_in_time(verdict, e->time_us, now_us))
		return false;
	if (rows == NULL) {
		rows = json_array();
		json_object_set_new(verdict, "browser", rows);
	}
	time_text(e->time_us, time);
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:b}", "user", e->user, "time", time,
	                                      "path", e->path, "text", e->text, "status", (int)e->code, "address",
	                                      e->address, "same_address", (int)is_from_there(verdict, e)));
	return true;
}

void browser_join(struct monitor *d, const struct event *e)
{
	uint64_t now_us = clock_wall_us();

	if (e->kind != EVENT_BROWSER_REPORT)
		return;
	for (size_t i = 0; i < d->board.n; i++)
		if (browser_join_add(d->board.rows[i].json, e, now_us))
			actions_verdict_store(d, d->board.rows[i].json);
}
