/* SPDX-License-Identifier: MIT */
/* Who is asked about, and the answer; see user_page.h. */
#include "monitor/user_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/logfmt_value.h"
#include "monitor/reading.h"
#include "monitor/roster_list.h"
#include "monitor/status.h"
#include "monitor/user_drops.h"
#include "monitor/user_page_html.h"
#include "monitor/verdict_span.h"
#include "monitor/verdicts_since.h"
#include "sys/clock.h"

#define WEEK_US    (7 * UINT64_C(86400000000))
#define AT_ONCE    16 /* pages that are made at the same time; more are refused */
#define DROPS_MAX  50
#define EVENTS_MAX 5000 /* of all kinds */

struct user_page {
	struct monitor *d;
	uint32_t to;
	uint64_t id;
	char user[T3OPS_USER_NAME_SIZE];
	json_t *verdicts; /* about the user */
	struct user_event *events;
	size_t n, room;
};

static void reply_send(struct monitor *d, enum msg_type type, uint32_t to, uint64_t id, int error, const char *text,
                       size_t len)
{
	struct msg_reply *r;

	if (len > MSG_MAX - sizeof *r) {
		len = 0;
		error = -EMSGSIZE;
	}
	r = malloc(sizeof *r + len);
	if (r == NULL)
		return; /* the proxy does not wait for ever */
	r->error = error;
	if (len > 0)
		memcpy(r->text, text, len);
	channel_send(d->process->channel, type, to, id, r, sizeof *r + len);
	free(r);
}

static void reply(const struct user_page *p, int error, const char *text, size_t len)
{
	reply_send(p->d, MSG_USER_PAGE, p->to, p->id, error, text, len);
}

static void page_end(struct user_page *p, bool readable, bool gone)
{
	json_t *row = roster_user_json(p->d, p->user), *drops;
	size_t len = 0;
	char *html = NULL;

	p->d->user_pages--;
	user_drops_filter(p->verdicts, p->user, p->events, p->n);
	drops = user_drops_make(p->events, p->n, p->verdicts);
	if (readable)
		html = user_page_html(p->user, row, p->verdicts, drops, &len);
	if (!gone)
		reply(p, html != NULL ? 0 : -EIO, html, len);
	free(html);
	json_decref(row);
	json_decref(drops);
	json_decref(p->verdicts);
	free(p->events);
	free(p);
}

/* ---- drops ----------------------------------------------------------------------------------------------- */

static const char dropped_sql[] =
    "SELECT time_us, user, line FROM events WHERE kind = 'tunnel_dropped' AND time_us >= ?1 "
    "ORDER BY time_us DESC";
static const char opened_sql[] =
    "SELECT time_us, user, line FROM events WHERE kind = 'tunnel_opened' AND time_us >= ?1 "
    "ORDER BY time_us DESC";
static const char leg_down_sql[] = "SELECT time_us, user, line FROM events WHERE kind = 'leg_down' AND time_us >= ?1 "
                                   "ORDER BY time_us DESC";

static bool event_add(struct user_page *p, sqlite3_stmt *row, enum user_event_kind kind)
{
	const char *line = (const char *)sqlite3_column_text(row, 2);
	size_t room = p->n == p->room ? 2 * p->room + 16 : p->room;
	struct user_event *events = room > p->room ? reallocarray(p->events, room, sizeof *events) : p->events;

	if (events == NULL)
		return false;
	p->events = events;
	p->room = room;
	events[p->n] = (struct user_event){.time_us = (uint64_t)sqlite3_column_int64(row, 0), .kind = kind};
	if (kind == USER_DROPPED && line != NULL)
		logfmt_value(line, "detail", events[p->n].text, sizeof events[p->n].text);
	return ++p->n < EVENTS_MAX;
}

static bool is_of(const struct user_page *p, sqlite3_stmt *row)
{
	const char *user = (const char *)sqlite3_column_text(row, 1);

	return user != NULL && strcmp(user, p->user) == 0;
}

static bool dropped_take(void *arg, sqlite3_stmt *row)
{
	return !is_of(arg, row) || event_add(arg, row, USER_DROPPED);
}

static bool opened_take(void *arg, sqlite3_stmt *row)
{
	return !is_of(arg, row) || event_add(arg, row, USER_BACK);
}

/* Those that all share, and the user's own. */
static bool leg_down_take(void *arg, sqlite3_stmt *row)
{
	const unsigned char *user = sqlite3_column_text(row, 1);

	return (user != NULL && user[0] != '\0' && !is_of(arg, row)) || event_add(arg, row, USER_LEG_DOWN);
}

static void on_drops(void *arg, enum reading_end how)
{
	page_end(arg, how == READING_DONE, how == READING_GONE);
}

static void on_verdicts(void *arg, json_t *verdicts, bool gone)
{
	struct user_page *p = arg;
	uint64_t from_us = clock_wall_us() - WEEK_US;
	struct reading_task task = {.n = 3,
	                            .on_end = on_drops,
	                            .arg = p,
	                            .owner = p,
	                            .parts = {{.sql = dropped_sql, .from_us = from_us, .on_row = dropped_take},
	                                      {.sql = opened_sql, .from_us = from_us, .on_row = opened_take},
	                                      {.sql = leg_down_sql, .from_us = from_us, .on_row = leg_down_take}}};

	p->verdicts = verdicts;
	if (gone || verdicts == NULL)
		page_end(p, false, gone);
	else
		reading_start(p->d->readings, &task);
}

void user_page_message(struct monitor *d, const struct msg_head *head, const void *payload)
{
	struct user_page *p = head->len == sizeof p->user ? calloc(1, sizeof *p) : NULL;
	struct verdicts_ask ask = {.since_us = clock_wall_us() - WEEK_US,
	                           .segment = "",
	                           .unnamed = true,
	                           .limit = DROPS_MAX,
	                           .owner = p,
	                           .on_verdicts = on_verdicts,
	                           .arg = p};

	if (p == NULL)
		return;
	p->d = d;
	p->to = head->from;
	p->id = head->id;
	memcpy(p->user, payload, sizeof p->user);
	p->user[sizeof p->user - 1] = '\0';
	if (d->user_pages >= AT_ONCE) {
		reply(p, -EBUSY, NULL, 0);
		free(p);
		return;
	}
	d->user_pages++;
	ask.user = p->user;
	verdicts_since(d, &ask);
}

/* ---- what stands -------------------------------------------------------------------------------------- */

static bool stands_for(const json_t *verdict, const char *user)
{
	const char *state = json_string_value(json_object_get(verdict, "state"));

	return state != NULL && strcmp(state, "standing") == 0 &&
	       (verdict_span_is_about(verdict, user) || verdict_span_has_segment(verdict, "host"));
}

void user_verdict_message(struct monitor *d, const struct msg_head *head, const void *payload)
{
	json_t *standing, *verdict;
	char user[T3OPS_USER_NAME_SIZE], *words = NULL;
	size_t i;

	if (head->len != sizeof user)
		return;
	memcpy(user, payload, sizeof user);
	user[sizeof user - 1] = '\0';
	standing = standing_json(d);
	json_array_foreach (standing, i, verdict)
		if (words == NULL && stands_for(verdict, user))
			words = user_verdict_words(verdict);
	reply_send(d, MSG_USER_VERDICT, head->from, head->id, words != NULL ? 0 : -ENOENT, words,
	           words != NULL ? strlen(words) : 0);
	free(words);
	json_decref(standing);
}
