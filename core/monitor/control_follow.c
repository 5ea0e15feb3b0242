/* SPDX-License-Identifier: MIT */
/* News for followers; see control_follow.h. */
#include "monitor/control_follow.h"

#include <assert.h>
#include <stdlib.h>

#include "ipc/message.h"
#include "monitor/control_line.h"
#include "monitor/event_words.h"
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
		if (f->rows[i].conn != NULL && !f->rows[i].events && !f->rows[i].words)
			control_line(f->rows[i].conn, json_pack("{s:O}", "verdict", verdict));
}

static bool wants_event(const struct follower *f, const struct event *e)
{
	return f->conn != NULL && f->events &&
	       (f->kind == EVENT_KINDS ? event_kind_journalled(e->kind) : f->kind == e->kind);
}

/* What people watch for: not what only goes on as it should. */
static bool matters(const struct event *e)
{
	switch (e->kind) {
	case EVENT_COMMAND_DONE:
	case EVENT_USERS_LOADED:
	case EVENT_TUNNEL_CLOSED:
	case EVENT_LEG_ABSENT:
	case EVENT_JOB_ABSENT:
		return false;
	default:
		return event_kind_journalled(e->kind);
	}
}

static json_t *news_json(const struct event *e, const char *when, const char *line)
{
	const struct event_row row = {
	    .kind = event_kind_name(e->kind), .plugin = e->plugin, .who = e->user, .line = line};
	char *words = event_words(&row);
	json_t *news = json_pack("{s:{s:s, s:s, s:o, s:o}}", "news", "time", when, "kind", row.kind, "user",
	                         control_text(e->user), "text", control_text(words != NULL ? words : line));

	free(words);
	return news;
}

static json_t *event_json(const struct event *e, const char *when, const char *line)
{
	return json_pack("{s:{s:s, s:s, s:s, s:o}}", "event", "time", when, "kind", event_kind_name(e->kind),
	                 "process", process_name(e->process), "line", control_text(line));
}

void followers_event(const struct followers *f, const struct event *e)
{
	char line[EVENT_LINE_MAX], when[TIME_TEXT_SIZE];

	for (size_t i = 0; i < CONTROL_FOLLOWERS_MAX; i++) {
		const struct follower *who = &f->rows[i];
		bool words = who->conn != NULL && who->words && matters(e);

		if (!words && !wants_event(who, e))
			continue;
		event_format(e, line, sizeof line);
		time_text(e->time_us, when);
		control_line(who->conn, words ? news_json(e, when, line) : event_json(e, when, line));
	}
}
