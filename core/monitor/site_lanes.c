/* SPDX-License-Identifier: MIT */
/* Lanes of events; see site_lanes.h. */
#include "monitor/site_lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tbl/room.h"

#define COLUMNS 1500 /* what lies nearer together than a part of so many is drawn as one */

void site_lanes_fini(struct site_lanes *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->rows[i].name);
		free(l->rows[i].spans);
		json_decref(l->rows[i].tunnels);
	}
	free(l->rows);
	*l = (struct site_lanes){.n = 0};
}

static struct site_lane *lane_get(struct site_lanes *l, const char *name)
{
	struct site_lane *rows;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->rows[i].name, name) == 0)
			return &l->rows[i];
	rows = room_for_one(l->rows, l->n, &l->room, sizeof *rows);
	if (rows == NULL)
		return NULL;
	l->rows = rows;
	l->rows[l->n] = (struct site_lane){.name = strdup(name), .tunnels = json_object()};
	return l->rows[l->n].name != NULL ? &l->rows[l->n++] : NULL;
}

static void span_add(const struct site_lanes *l, struct site_lane *lane, struct site_span span)
{
	struct site_span *last = lane->n > 0 ? &lane->spans[lane->n - 1] : NULL, *spans;

	if (last != NULL && last->kind == span.kind &&
	    span.from_us < last->until_us + (l->until_us - l->from_us) / COLUMNS) {
		last->until_us = span.until_us > last->until_us ? span.until_us : last->until_us;
		return;
	}
	spans = room_for_one(lane->spans, lane->n, &lane->room, sizeof *spans);
	if (spans == NULL)
		return;
	lane->spans = spans;
	lane->spans[lane->n++] = span;
}

static void open_end(const struct site_lanes *l, struct site_lane *lane, uint64_t at_us)
{
	if (!lane->is_open)
		return;
	lane->open.until_us = at_us > lane->open.from_us ? at_us : lane->open.from_us;
	span_add(l, lane, lane->open);
	lane->is_open = false;
}

static void open_begin(struct site_lane *lane, enum site_span_kind kind, uint64_t at_us)
{
	lane->open = (struct site_span){.from_us = at_us, .kind = kind};
	lane->is_open = true;
}

/* ---- legs --------------------------------------------------------------------------------------- */

void site_lanes_leg(struct site_lanes *l, const struct site_event *e)
{
	struct site_lane *lane = lane_get(l, e->name);

	if (lane == NULL)
		return;
	if (lane->n == 0 && !lane->is_open && (strcmp(e->kind, "leg_down") == 0 || strcmp(e->kind, "leg_late") == 0))
		open_begin(lane, SITE_UP, l->from_us); /* only what is up goes down */
	open_end(l, lane, e->time_us);
	if (strcmp(e->kind, "leg_up") == 0)
		open_begin(lane, SITE_UP, e->time_us);
	else if (strcmp(e->kind, "leg_late") == 0)
		open_begin(lane, SITE_LATE, e->time_us);
	else if (strcmp(e->kind, "leg_down") == 0)
		open_begin(lane, SITE_DOWN, e->time_us);
}

void site_lanes_leg_now(struct site_lanes *l, const char *name, enum site_span_kind kind, uint64_t since_us)
{
	struct site_lane *lane = lane_get(l, name);

	if (lane == NULL)
		return;
	if (lane->is_open && lane->open.kind != kind)
		open_end(l, lane, since_us > lane->open.from_us ? since_us : lane->open.from_us);
	if (!lane->is_open)
		open_begin(lane, kind, since_us > l->from_us ? since_us : l->from_us);
	open_end(l, lane, l->until_us);
}

/* ---- users ---------------------------------------------------------------------------------------- */

static void tunnel_end(const struct site_lanes *l, struct site_lane *lane, const char *number, uint64_t at_us)
{
	bool first = lane->n == 0 && !lane->is_open;

	if (json_object_get(lane->tunnels, number) == NULL && first)
		open_begin(lane, SITE_CONNECTED, l->from_us); /* it was opened before all this */
	json_object_del(lane->tunnels, number);
	if (json_object_size(lane->tunnels) == 0)
		open_end(l, lane, at_us);
}

void site_lanes_user(struct site_lanes *l, const struct site_event *e)
{
	struct site_lane *lane = lane_get(l, e->name);
	char number[24];

	if (lane == NULL)
		return;
	snprintf(number, sizeof number, "%llu", (unsigned long long)e->tunnel);
	if (strcmp(e->kind, "tunnel_opened") == 0) {
		json_object_set_new(lane->tunnels, number, json_true());
		if (!lane->is_open)
			open_begin(lane, SITE_CONNECTED, e->time_us);
		return;
	}
	if (!l->drops_only)
		tunnel_end(l, lane, number, e->time_us);
	if (strcmp(e->kind, "tunnel_dropped") == 0)
		span_add(l, lane, (struct site_span){e->time_us, e->time_us, SITE_DROP});
}

void site_lanes_user_now(struct site_lanes *l, const char *name, uint64_t since_us)
{
	struct site_lane *lane = lane_get(l, name);

	if (lane == NULL)
		return;
	if (!lane->is_open)
		open_begin(lane, SITE_CONNECTED, since_us > l->from_us ? since_us : l->from_us);
	open_end(l, lane, l->until_us);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct site_lane *)a)->name, ((const struct site_lane *)b)->name);
}

/* Whoever is not connected now was until nobody knows when: what is open still is left out. */
void site_lanes_end(struct site_lanes *l)
{
	if (l->n > 0)
		qsort(l->rows, l->n, sizeof *l->rows, by_name);
}
