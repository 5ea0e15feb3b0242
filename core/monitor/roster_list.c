/* SPDX-License-Identifier: MIT */
/*
 * The list of users, gathered; see roster_list.h.
 *
 *   PROXIES --> LEGS --> METRICS --> LINES --> FACTS --> DROPS --> DONE
 *
 * What may change meanwhile is copied at the beginning: who is connected, and the legs.
 */
#include "monitor/roster_list.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/leg_rows.h"
#include "monitor/metrics_render.h"
#include "monitor/roster.h"
#include "monitor/roster_state.h"
#include "monitor/user_facts.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define STEP_ROWS 128 /* each costs a sixteenth of a unit of the loop's work, about */

enum gathering { FROM_PROXIES, FROM_LEGS, FROM_METRICS, FROM_LINES, FROM_FACTS, FROM_DROPS, GATHERED };

struct roster_list {
	const struct monitor *d;
	const char *only; /* NULL: all */
	enum gathering state;
	struct roster_row *rows;
	struct leg_row *legs;
	size_t n_rows, n_legs, at;
	struct metrics_rendering *metrics;
	const char *lines, *lines_end; /* of the metrics that are still to be read */
	void *iter;
	json_t *facts, *users; /* by user */
	uint64_t now_us, wall_us;
};

/* ---- a user's row ------------------------------------------------------------------------------------------- */

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

/* ---- steps ------------------------------------------------------------------------------------------------- */

static void state_set(struct roster_list *l, enum gathering state)
{
	l->state = state;
	l->at = 0;
	if (state == FROM_FACTS)
		l->iter = json_object_iter(l->facts);
	else if (state == FROM_DROPS)
		l->iter = json_object_iter(l->users);
}

static size_t proxies_step(struct roster_list *l)
{
	size_t n = 0;

	for (; n < STEP_ROWS && l->at < l->n_rows; n++)
		connected_add(l->users, &l->rows[l->at++], l->now_us, l->wall_us);
	if (l->at == l->n_rows)
		state_set(l, FROM_LEGS);
	return n;
}

static size_t legs_step(struct roster_list *l)
{
	size_t n = 0;

	for (; n < STEP_ROWS && l->at < l->n_legs; n++, l->at++)
		if (l->legs[l->at].user[0] != '\0')
			json_object_set_new(user_row(l->users, l->legs[l->at].user), "leg",
			                    json_string(l->legs[l->at].state));
	if (l->at == l->n_legs)
		state_set(l, FROM_METRICS);
	return n;
}

/* Of a thousand series. */
static size_t metrics_step(struct roster_list *l)
{
	size_t len = 0;

	if (l->metrics == NULL)
		l->metrics = user_facts_begin(l->d->process->metrics);
	if (l->metrics != NULL && !metrics_render_step(l->metrics))
		return STEP_ROWS;
	l->lines = l->metrics != NULL ? metrics_render_text(l->metrics, &len) : NULL;
	l->lines_end = l->lines != NULL ? l->lines + len : NULL;
	state_set(l, l->lines != NULL ? FROM_LINES : FROM_FACTS);
	return STEP_ROWS;
}

static size_t lines_step(struct roster_list *l)
{
	size_t n = 0;

	for (; n < STEP_ROWS && l->lines < l->lines_end; n++)
		l->lines = user_facts_line(l->facts, l->lines, l->lines_end);
	if (l->lines == l->lines_end)
		state_set(l, FROM_FACTS);
	return n;
}

static size_t facts_step(struct roster_list *l)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	for (; n < STEP_ROWS && l->iter != NULL; n++) {
		const char *user = json_object_iter_key(l->iter);
		json_t *row = l->only == NULL || strcmp(user, l->only) == 0 ? user_row(l->users, user) : NULL;

		json_object_foreach (json_object_iter_value(l->iter), key, value)
			json_object_set(row, key, value);
		l->iter = json_object_iter_next(l->facts, l->iter);
	}
	if (l->iter == NULL)
		state_set(l, FROM_DROPS);
	return n;
}

static size_t drops_step(struct roster_list *l)
{
	size_t n = 0;

	for (; n < STEP_ROWS && l->iter != NULL; n++) {
		const json_t *at = json_object_get(l->d->roster->drops, json_object_iter_key(l->iter));

		if (at != NULL)
			time_set(json_object_iter_value(l->iter), "last_drop", (uint64_t)json_integer_value(at));
		l->iter = json_object_iter_next(l->users, l->iter);
	}
	if (l->iter == NULL)
		state_set(l, GATHERED);
	return n;
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

static void rows_copy(struct roster_list *l, const char *only)
{
	const struct roster *r = l->d->roster;

	l->rows = calloc(r->n + 1, sizeof *l->rows);
	for (size_t i = 0; l->rows != NULL && i < r->n; i++)
		if (!roster_is_stale(r, &r->rows[i]) && (only == NULL || strcmp(r->rows[i].user, only) == 0))
			l->rows[l->n_rows++] = r->rows[i];
}

struct roster_list *roster_list_new(const struct monitor *d, const char *only)
{
	struct roster_list *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->d = d;
	l->only = only;
	l->now_us = clock_mono_us();
	l->wall_us = clock_wall_us();
	l->users = json_object();
	l->facts = json_object();
	rows_copy(l, only);
	l->legs = leg_rows(d, only, &l->n_legs);
	if (l->users != NULL && l->facts != NULL && l->rows != NULL && l->legs != NULL)
		return l;
	roster_list_free(l);
	return NULL;
}

bool roster_list_step(struct roster_list *l, size_t *n)
{
	static size_t (*const steps[])(struct roster_list *) = {
	    [FROM_PROXIES] = proxies_step, [FROM_LEGS] = legs_step,   [FROM_METRICS] = metrics_step,
	    [FROM_LINES] = lines_step,     [FROM_FACTS] = facts_step, [FROM_DROPS] = drops_step};

	*n = l->state != GATHERED ? steps[l->state](l) / 16 + 1 : 1;
	return l->state == GATHERED;
}

json_t *roster_list_users(const struct roster_list *l)
{
	return l->users;
}

void roster_list_free(struct roster_list *l)
{
	if (l == NULL)
		return;
	metrics_render_end(l->metrics);
	json_decref(l->facts);
	json_decref(l->users);
	free(l->legs);
	free(l->rows);
	free(l);
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
	return list;
}

static struct roster_list *list_gather(const struct monitor *d, const char *only)
{
	struct roster_list *l = roster_list_new(d, only);
	size_t n;

	while (l != NULL && !roster_list_step(l, &n))
		;
	return l;
}

json_t *roster_json(const struct monitor *d)
{
	struct roster_list *l = list_gather(d, NULL);
	json_t *list = l != NULL ? list_of(l->users) : json_array();

	roster_list_free(l);
	return list;
}

json_t *roster_user_json(const struct monitor *d, const char *user)
{
	struct roster_list *l = list_gather(d, user);
	json_t *row = l != NULL ? json_incref(json_object_get(l->users, user)) : NULL;

	roster_list_free(l);
	return row;
}
