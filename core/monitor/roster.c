/* SPDX-License-Identifier: MIT */
/* The users who are connected; see roster.h. */
#include "monitor/roster.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/message.h"
#include "monitor/delay_sketch.h"
#include "monitor/reading.h"
#include "monitor/status.h"
#include "monitor/user_facts.h"
#include "sys/clock.h"
#include "sys/time_text.h"
#include "tbl/room.h"

#define ASK_US        UINT64_C(10000000)
#define ASK_NOBODY_US UINT64_C(60000000) /* while nobody is connected; who comes is heard of */

/* What one proxy has of a user. */
struct roster_row {
	char user[T3OPS_USER_NAME_SIZE];
	uint32_t from; /* serial of the proxy */
	uint64_t seen_us, tunnels, age_us, delay_us;
	uint64_t counted_us;         /* CLOCK_MONOTONIC of the proxy's last count, 0: none yet */
	double up_per_s, down_per_s; /* between the last two; below 0: not known yet */
	struct delay_sketch delays;
};

struct roster {
	struct roster_row *rows;
	size_t n, room;
	uint64_t asked_us, asked_before_us; /* CLOCK_MONOTONIC: the last two times */
	unsigned changed;                   /* how often it is to be asked again soon */
	json_t *drops;                      /* user: time_us of the last one */
};

struct roster *roster_new(void)
{
	struct roster *r = calloc(1, sizeof *r);

	if (r != NULL)
		r->drops = json_object();
	return r;
}

void roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	json_decref(r->drops);
	free(r->rows);
	free(r);
}

/* ---- drops -------------------------------------------------------------------------------------- */

static void drop_note(struct roster *r, const char *user, uint64_t time_us)
{
	if ((uint64_t)json_integer_value(json_object_get(r->drops, user)) < time_us)
		json_object_set_new(r->drops, user, json_integer((json_int_t)time_us));
}

bool roster_dropped(const struct roster *r, const char *user)
{
	return json_object_get(r->drops, user) != NULL;
}

static bool drop_take(void *arg, sqlite3_stmt *row)
{
	struct monitor *d = arg;

	drop_note(d->roster, (const char *)sqlite3_column_text(row, 1), (uint64_t)sqlite3_column_int64(row, 0));
	return true;
}

static void on_drops(void *arg, enum reading_end how)
{
	(void)arg, (void)how;
}

void roster_begin(struct monitor *d)
{
	struct reading_task task = {.n = 1, .on_end = on_drops, .arg = d, .owner = d->roster};

	task.parts[0] = (struct reading_part){.sql = "SELECT time_us, user FROM events WHERE kind = 'tunnel_dropped'",
	                                      .on_row = drop_take};
	reading_start(d->readings, &task);
}

/* ---- the census ------------------------------------------------------------------------------------ */

static bool is_stale(const struct roster *r, const struct roster_row *row)
{
	return row->seen_us < r->asked_before_us;
}

static void stale_remove(struct roster *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!is_stale(r, &r->rows[i]))
			r->rows[kept++] = r->rows[i];
	r->n = kept;
}

void roster_look(struct monitor *d)
{
	struct msg_probe census = {.since_us = 0};
	struct roster *r = d->roster;
	uint64_t now = clock_mono_us();

	if (r->changed == 0 && r->asked_us != 0 && now < r->asked_us + (r->n > 0 ? ASK_US : ASK_NOBODY_US))
		return;
	r->changed -= r->changed > 0;
	r->asked_before_us = r->asked_us;
	r->asked_us = now;
	stale_remove(r);
	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROXY, 0, &census, sizeof census);
}

void roster_follow(struct monitor *d)
{
	if (d->roster->changed == 0)
		d->roster->changed = 1;
}

static struct roster_row *row_get(struct roster *r, const char *user, uint32_t from)
{
	struct roster_row *rows;

	for (size_t i = 0; i < r->n; i++)
		if (r->rows[i].from == from && strcmp(r->rows[i].user, user) == 0)
			return &r->rows[i];
	rows = room_for_one(r->rows, r->n, &r->room, sizeof *rows);
	if (rows == NULL)
		return NULL;
	r->rows = rows;
	r->rows[r->n] = (struct roster_row){.from = from, .up_per_s = -1};
	event_set(r->rows[r->n].user, user);
	return &r->rows[r->n++];
}

/* What passed since the last time. */
static void rates_take(struct roster_row *row, const struct event *e)
{
	double seconds = (double)(e->mono_us - row->counted_us) / 1e6;

	if (row->counted_us != 0 && e->mono_us > row->counted_us) {
		row->up_per_s = (double)e->bytes_up / seconds;
		row->down_per_s = (double)e->bytes_down / seconds;
	}
	row->counted_us = e->mono_us;
}

static void census_take(struct roster *r, const struct event *e, uint32_t from)
{
	struct roster_row *row = row_get(r, e->user, from);

	if (row == NULL)
		return;
	row->seen_us = clock_mono_us();
	row->tunnels = e->count;
	row->age_us = e->age_us;
	row->delay_us = e->rtt_us;
	rates_take(row, e);
	if (e->rtt_us > 0)
		delay_sketch_add(&row->delays, e->rtt_us);
}

void roster_proxy_started(struct monitor *d)
{
	d->roster->changed = 2;
}

void roster_event(struct monitor *d, const struct event *e, uint32_t from)
{
	switch (e->kind) {
	case EVENT_TUNNEL_CENSUS:
		census_take(d->roster, e, from);
		break;
	case EVENT_TUNNEL_DROP:
		drop_note(d->roster, e->user, e->time_us);
		d->roster->changed = 2;
		break;
	case EVENT_TUNNEL_OPEN:
	case EVENT_TUNNEL_CLOSED:
		d->roster->changed = 2; /* the second time forgets who is gone */
		break;
	default:
		break;
	}
}

/* ---- the list ---------------------------------------------------------------------------------------- */

static json_t *user_row(json_t *users, const char *user)
{
	json_t *row = json_object_get(users, user);

	if (row != NULL)
		return row;
	row = json_pack("{s:s, s:i}", "user", user, "tunnels", 0);
	json_object_set_new(users, user, row);
	return row;
}

static void time_set(json_t *o, const char *key, uint64_t wall_us)
{
	char when[TIME_TEXT_SIZE];

	time_text(wall_us, when);
	json_object_set_new(o, key, json_string(when));
}

static void rate_add(json_t *o, const char *key, double per_s)
{
	double before = json_number_value(json_object_get(o, key));

	if (per_s >= 0)
		json_object_set_new(o, key, json_real(before + per_s));
}

static void connected_add(json_t *users, const struct roster_row *row, uint64_t now_us, uint64_t wall_us)
{
	json_t *o = user_row(users, row->user);
	const char *since = json_string_value(json_object_get(o, "connected_since"));
	json_int_t tunnels = json_integer_value(json_object_get(o, "tunnels"));
	uint64_t age_us = now_us - row->seen_us + row->age_us, since_us = UINT64_MAX;
	double before = json_number_value(json_object_get(o, "heartbeat_seconds"));
	double p99 = (double)delay_sketch_p99_us(&row->delays) / 1e6;

	json_object_set_new(o, "tunnels", json_integer(tunnels + (json_int_t)row->tunnels));
	if (since == NULL || !time_text_read(since, &since_us) || wall_us - age_us < since_us)
		time_set(o, "connected_since", age_us < wall_us ? wall_us - age_us : 0);
	if (row->delay_us > 0 && (double)row->delay_us / 1e6 > before)
		json_object_set_new(o, "heartbeat_seconds", json_real((double)row->delay_us / 1e6));
	rate_add(o, "bytes_up_per_second", row->up_per_s);
	rate_add(o, "bytes_down_per_second", row->up_per_s >= 0 ? row->down_per_s : -1);
	if (p99 > json_number_value(json_object_get(o, "heartbeat_p99_seconds")))
		json_object_set_new(o, "heartbeat_p99_seconds", json_real(p99));
}

static void legs_add(json_t *users, const struct probe_table *legs)
{
	for (size_t i = 0; i < legs->n; i++)
		if (legs->rows[i]->user[0] != '\0')
			json_object_set_new(user_row(users, legs->rows[i]->user), "leg",
			                    json_string(leg_state_name(legs->rows[i])));
}

static int by_name(const void *a, const void *b)
{
	const json_t *l = *(json_t *const *)a, *r = *(json_t *const *)b;

	return strcmp(json_string_value(json_object_get(l, "user")), json_string_value(json_object_get(r, "user")));
}

static json_t *list_of(json_t *users)
{
	size_t n = json_object_size(users), i = 0;
	json_t **rows = calloc(n + 1, sizeof *rows), *list = json_array(), *row;
	const char *key;

	json_object_foreach (users, key, row)
		if (rows != NULL)
			rows[i++] = row;
	if (rows != NULL)
		qsort(rows, n, sizeof *rows, by_name);
	for (size_t k = 0; k < i; k++)
		json_array_append(list, rows[k]);
	free(rows);
	json_decref(users);
	return list;
}

json_t *roster_json(const struct monitor *d)
{
	const struct roster *r = d->roster;
	json_t *users = json_object(), *facts = user_facts(d->process->metrics), *fact, *row, *value;
	uint64_t now = clock_mono_us(), wall = clock_wall_us();
	const char *user, *key;

	for (size_t i = 0; i < r->n; i++)
		if (!is_stale(r, &r->rows[i]))
			connected_add(users, &r->rows[i], now, wall);
	legs_add(users, diagnosis_legs(d->diagnosis));
	json_object_foreach (facts, user, fact) {
		row = user_row(users, user);
		json_object_foreach (fact, key, value)
			json_object_set(row, key, value);
	}
	json_object_foreach (users, user, row)
		if (json_object_get(r->drops, user) != NULL)
			time_set(row, "last_drop", (uint64_t)json_integer_value(json_object_get(r->drops, user)));
	json_decref(facts);
	return list_of(users);
}
