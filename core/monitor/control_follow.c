/* SPDX-License-Identifier: MIT */
/* News for followers; see control_follow.h. */
#include "monitor/control_follow.h"

#include <assert.h>

#include "ipc/message.h"
#include "monitor/control_line.h"
#include "sys/time_text.h"

void followers_add(struct followers *f, struct follower who)
{
	struct follower *unused = NULL;

	for (size_t i = 0; i < CONTROL_FOLLOWERS_MAX; i++) {
		if (f->rows[i].conn == who.conn)
			return;
		if (f->rows[i].conn == NULL)
			unused = &f->rows[i];
	}
	assert(unused != NULL); /* there are as many as connections */
	*unused = who;
	local_hold(who.conn, true);
}

void followers_forget(struct followers *f, const struct local_conn *c)
{
	for (size_t i = 0; i < CONTROL_FOLLOWERS_MAX; i++)
		if (f->rows[i].conn == c)
			f->rows[i] = (struct follower){.conn = NULL};
}

void followers_verdict(const struct followers *f, const json_t *verdict)
{
	for (size_t i = 0; i < CONTROL_FOLLOWERS_MAX; i++)
		if (f->rows[i].conn != NULL && !f->rows[i].events)
			control_line(f->rows[i].conn, json_pack("{s:O}", "verdict", verdict));
}

static bool wants_event(const struct follower *f, const struct event *e)
{
	return f->conn != NULL && f->events &&
	       (f->kind == EVENT_KINDS ? event_kind_journalled(e->kind) : f->kind == e->kind);
}

void followers_event(const struct followers *f, const struct event *e)
{
	char line[EVENT_LINE_MAX], when[TIME_TEXT_SIZE];

	for (size_t i = 0; i < CONTROL_FOLLOWERS_MAX; i++) {
		if (!wants_event(&f->rows[i], e))
			continue;
		event_format(e, line, sizeof line);
		time_text(e->time_us, when);
		control_line(f->rows[i].conn, json_pack("{s:{s:s, s:s, s:s, s:o}}", "event", "time", when, "kind",
		                                        event_kind_name(e->kind), "process", process_name(e->process),
		                                        "line", control_text(line)));
	}
}
