/* SPDX-License-Identifier: MIT */
/* Gathers what the page shows; see site_data.h. */
#include "monitor/site_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/reading.h"
#include "monitor/roster_list.h"
#include "monitor/status.h"
#include "monitor/story_read.h"
#include "monitor/verdict_span.h"
#include "monitor/verdicts_since.h"
#include "sys/clock.h"
#include "sys/time_text.h"
#include "tbl/room.h"

#define DAYS_KNOWN    90
#define EVENTS_MAX    60000             /* of one kind; the newest ones */
#define TUNNELS_US    (7 * SITE_DAY_US) /* who was connected when is drawn for no longer than that */
#define DEFAULT_RANGE 3

const struct site_range site_ranges[] = {
    {"15m", "15 min", SITE_DAY_US / 96}, {"1h", "1 h", SITE_DAY_US / 24}, {"6h", "6 h", SITE_DAY_US / 4},
    {"24h", "24 h", SITE_DAY_US},        {"7d", "7 d", 7 * SITE_DAY_US},  {"30d", "30 d", 30 * SITE_DAY_US},
    {"90d", "90 d", 90 * SITE_DAY_US},
};
const size_t site_ranges_n = sizeof site_ranges / sizeof site_ranges[0];

#define EVENTS_OF(kind)                                                                                              \
	"SELECT time_us, kind, plugin, user, id FROM events WHERE kind = '" kind                                     \
	"' AND time_us >= ?1 AND time_us <= ?2 ORDER BY time_us DESC LIMIT 60001"

static const char *const leg_sqls[] = {EVENTS_OF("leg_up"), EVENTS_OF("leg_late"), EVENTS_OF("leg_down"),
                                       EVENTS_OF("leg_removed"), EVENTS_OF("leg_absent")};
static const char *const tunnel_sqls[] = {EVENTS_OF("tunnel_dropped"), EVENTS_OF("tunnel_opened"),
                                          EVENTS_OF("tunnel_closed")};

/* One row, as it waits to be put in order. */
struct item {
	uint64_t time_us, id;
	char *plugin, *user;
	const char *kind;
};

struct gathering {
	struct site_data data;
	struct site_ask ask;
	struct item *items;
	size_t n, room;
	size_t of_kind; /* how many of the last one's kind there are */
};

static void gathering_end(struct gathering *g, bool ok, bool gone)
{
	g->ask.on_data(g->ask.arg, ok ? &g->data : NULL, gone);
	for (size_t i = 0; i < g->n; i++) {
		free(g->items[i].plugin);
		free(g->items[i].user);
	}
	free(g->items);
	json_decref(g->data.verdicts);
	json_decref(g->data.story);
	json_decref(g->data.users);
	json_decref(g->data.status);
	json_decref(g->data.headline);
	site_lanes_fini(&g->data.legs);
	site_lanes_fini(&g->data.people);
	free(g->data.minutes);
	free(g);
}

/* ---- events --------------------------------------------------------------------------------------- */

static const char *column(sqlite3_stmt *row, int i)
{
	const unsigned char *text = sqlite3_column_text(row, i);

	return text != NULL ? (const char *)text : "";
}

static const char *kind_known(const char *kind)
{
	static const char *const kinds[] = {"leg_up",     "leg_late",       "leg_down",      "leg_removed",
	                                    "leg_absent", "tunnel_dropped", "tunnel_opened", "tunnel_closed"};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i], kind) == 0)
			return kinds[i];
	return "";
}

static bool event_take(void *arg, sqlite3_stmt *row)
{
	struct gathering *g = arg;
	struct item *items = room_for_one(g->items, g->n, &g->room, sizeof *items);

	const char *kind = kind_known(column(row, 1));

	if (items == NULL)
		return false;
	g->items = items;
	g->of_kind = g->n > 0 && items[g->n - 1].kind == kind ? g->of_kind + 1 : 1;
	if (g->of_kind > EVENTS_MAX) {
		g->data.cut = true;
		return false;
	}
	g->items[g->n++] = (struct item){.time_us = (uint64_t)sqlite3_column_int64(row, 0),
	                                 .kind = kind,
	                                 .plugin = strdup(column(row, 2)),
	                                 .user = strdup(column(row, 3)),
	                                 .id = (uint64_t)sqlite3_column_int64(row, 4)};
	return true;
}

static bool minute_take(void *arg, sqlite3_stmt *row)
{
	struct gathering *g = arg;
	struct journal_minute *minutes = room_for_one(g->data.minutes, g->data.n_minutes, &g->data.room_for_minutes,
	                                              sizeof *minutes);

	if (minutes == NULL)
		return false;
	g->data.minutes = minutes;
	g->data.minutes[g->data.n_minutes++] = (struct journal_minute){
	    .time_us = (uint64_t)sqlite3_column_int64(row, 0),
	    .memory = (unsigned)sqlite3_column_int(row, 1),
	    .io = (unsigned)sqlite3_column_int(row, 2),
	    .cpu = (unsigned)sqlite3_column_int(row, 3)};
	return true;
}

static bool first_take(void *arg, sqlite3_stmt *row)
{
	struct gathering *g = arg;
	uint64_t first_us = (uint64_t)sqlite3_column_int64(row, 0);

	if (first_us < g->data.first_us)
		g->data.first_us = first_us;
	return false;
}

/* ---- lanes ------------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
	const struct item *l = a, *r = b;

	return (l->time_us > r->time_us) - (l->time_us < r->time_us);
}

static void leg_name(const char *plugin, const char *user, char *out, size_t size)
{
	if (*user != '\0')
		snprintf(out, size, "%s(%s)", plugin, user);
	else
		snprintf(out, size, "%s", plugin);
}

static void item_draw(struct site_data *s, const struct item *i)
{
	struct site_event e = {.time_us = i->time_us, .tunnel = i->id, .kind = i->kind};

	if (i->plugin == NULL || i->user == NULL)
		return;
	if (strncmp(i->kind, "leg_", 4) == 0) {
		leg_name(i->plugin, i->user, e.name, sizeof e.name);
		site_lanes_leg(&s->legs, &e);
	} else {
		snprintf(e.name, sizeof e.name, "%s", i->user);
		site_lanes_user(&s->people, &e);
	}
}

static void legs_now(struct site_data *s)
{
	const struct probe_table *legs = diagnosis_legs(s->monitor->diagnosis);
	char name[400];

	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		leg_name(leg->def->name, leg->user, name, sizeof name);
		if (leg->state == LEG_IS_UP)
			site_lanes_leg_now(&s->legs, name, SITE_UP, leg->since_us);
		else if (leg->state == LEG_IS_LATE)
			site_lanes_leg_now(&s->legs, name, SITE_LATE, leg->since_us);
		else if (leg->state == LEG_IS_DOWN || leg->state == LEG_IS_WALLED_OFF)
			site_lanes_leg_now(&s->legs, name, SITE_DOWN, leg->since_us);
	}
}

static void people_now(struct site_data *s)
{
	json_t *user;
	size_t i;

	json_array_foreach (s->users, i, user) {
		const char *since = json_string_value(json_object_get(user, "connected_since"));
		uint64_t since_us;

		if (since != NULL && time_text_read(since, &since_us) && !s->people.drops_only)
			site_lanes_user_now(&s->people, json_string_value(json_object_get(user, "user")), since_us);
	}
}

static void lanes_draw(struct gathering *g)
{
	struct site_data *s = &g->data;

	if (g->n > 0)
		qsort(g->items, g->n, sizeof *g->items, by_time);
	for (size_t i = 0; i < g->n; i++)
		item_draw(s, &g->items[i]);
	legs_now(s);
	people_now(s);
	site_lanes_end(&s->legs);
	site_lanes_end(&s->people);
}

/* ---- one after the other: verdicts, events, the story ----------------------------------------------------- */

static void on_story(void *arg, json_t *answer, const char *why)
{
	struct gathering *g = arg;

	g->data.story = answer;
	gathering_end(g, answer != NULL || why != NULL, answer == NULL && why == NULL);
}

static void on_events(void *arg, enum reading_end how)
{
	struct gathering *g = arg;
	struct story_ask ask = {
	    .id = g->data.chosen, .user = "", .owner = g->ask.owner, .on_story = on_story, .arg = g};

	if (how != READING_DONE) {
		gathering_end(g, false, how == READING_GONE);
		return;
	}
	lanes_draw(g);
	if (g->data.chosen != 0)
		story_read(g->data.monitor, &ask);
	else
		gathering_end(g, true, false);
}

static void part_add(struct reading_task *task, const struct site_data *s, const char *sql,
                     bool (*on_row)(void *arg, sqlite3_stmt *row))
{
	task->parts[task->n++] = (struct reading_part){
	    .sql = sql, .text = "", .from_us = s->from_us, .until_us = s->until_us, .on_row = on_row};
}

static void on_verdicts(void *arg, json_t *verdicts, bool gone)
{
	struct gathering *g = arg;
	struct site_data *s = &g->data;
	struct reading_task task = {.on_end = on_events, .arg = g, .owner = g->ask.owner};
	size_t tunnels = s->people.drops_only ? 1 : 3;
	struct verdict_span span;
	const json_t *oldest;

	if (verdicts == NULL) {
		gathering_end(g, false, gone);
		return;
	}
	s->verdicts = verdicts;
	oldest = json_array_get(verdicts, json_array_size(verdicts) - 1);
	if (oldest != NULL && verdict_span_read(oldest, &span) && span.began_us < s->first_us)
		s->first_us = span.began_us;
	part_add(&task, s, "SELECT time_us FROM events ORDER BY time_us LIMIT 1", first_take);
	part_add(&task, s,
	         "SELECT time_us, memory, io, cpu FROM pressure WHERE time_us >= ?1 AND time_us <= ?2"
	         " ORDER BY time_us",
	         minute_take);
	for (size_t i = 0; i < sizeof leg_sqls / sizeof leg_sqls[0]; i++)
		part_add(&task, s, leg_sqls[i], event_take);
	for (size_t i = 0; i < tunnels; i++)
		part_add(&task, s, tunnel_sqls[i], event_take);
	reading_start(s->monitor->readings, &task);
}

static const struct site_range *range_find(const char *name)
{
	for (size_t i = 0; i < site_ranges_n; i++)
		if (strcmp(site_ranges[i].name, name) == 0)
			return &site_ranges[i];
	return &site_ranges[DEFAULT_RANGE];
}

void site_data_gather(struct monitor *d, const struct site_ask *ask)
{
	struct gathering *g = calloc(1, sizeof *g);
	struct verdicts_ask verdicts = {
	    .user = "", .segment = "", .owner = ask->owner, .on_verdicts = on_verdicts, .arg = g};
	struct site_data *s;

	if (g == NULL) {
		ask->on_data(ask->arg, NULL, false);
		return;
	}
	s = &g->data;
	g->ask = *ask;
	s->monitor = d;
	s->range = range_find(ask->range);
	s->chosen = ask->chosen;
	s->until_us = clock_wall_us();
	s->from_us = s->until_us - s->range->length_us;
	s->legs.from_us = s->people.from_us = s->from_us;
	s->legs.until_us = s->people.until_us = s->until_us;
	s->people.drops_only = s->range->length_us > TUNNELS_US;
	s->first_us = s->until_us;
	s->users = roster_json(d);
	s->status = status_json(d);
	s->headline = headline_json(d);
	verdicts.since_us = s->until_us - DAYS_KNOWN * SITE_DAY_US;
	verdicts_since(d, &verdicts);
}
