/* SPDX-License-Identifier: MIT */
/* The users who are connected; see roster.h. */
#include "monitor/roster.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/message.h"
#include "monitor/reading.h"
#include "monitor/roster_state.h"
#include "sys/clock.h"
#include "tbl/room.h"

#define ASK_US        UINT64_C(10000000)
#define ASK_NOBODY_US UINT64_C(60000000) /* while nobody is connected; who comes is heard of */

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

static void stale_remove(struct roster *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!roster_is_stale(r, &r->rows[i]))
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
