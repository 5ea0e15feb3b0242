/* SPDX-License-Identifier: MIT */
/*
 * Lists in the making; see listing.h.
 *
 *   GATHERS --> SORTS --> WRITES --> (answered)
 *
 * A run of rows at a time is sorted; then the runs are merged, a few rows at a time.
 */
#include "monitor/listing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "monitor/leg_rows.h"
#include "monitor/roster_list.h"
#include "sys/buf.h"

#define RUN_ROWS   1024
#define WRITE_ROWS 32 /* four of them cost a unit of the loop's work, about */
#define DUMP       (JSON_COMPACT | JSON_REAL_PRECISION(12))
#define DUMP_LINES (JSON_INDENT(2) | JSON_REAL_PRECISION(12))

enum listing_state { LISTING_GATHERS, LISTING_SORTS, LISTING_WRITES, LISTING_OVER };

/* Of one of the two. */
struct listed {
	const char *user;
	const struct leg_row *leg; /* of the listing's copy */
	json_t *row;               /* owned */
};

struct run {
	size_t at, end; /* of the rows */
};

struct listing {
	TAILQ_ENTRY(listing) link;
	struct listings *all;
	struct listing_ask ask;
	enum listing_state state;
	bool failed; /* no memory */
	struct leg_row *legs;
	struct roster_list *users;
	struct listed *rows;
	size_t n;
	struct run *runs;
	size_t n_runs, n_written;
	struct buf text;
};

struct listings {
	struct monitor *d;
	TAILQ_HEAD(, listing) list; /* the first one is in the making: the rows of one at a time take memory */
	struct turn_work work;
	bool leaves;
};

static bool is_of_legs(const struct listing *l)
{
	return l->ask.of == LISTING_LEGS;
}

static void listing_free(struct listing *l)
{
	TAILQ_REMOVE(&l->all->list, l, link);
	for (size_t i = 0; i < l->n; i++)
		json_decref(l->rows[i].row);
	json_decref(l->ask.before);
	json_decref(l->ask.after);
	roster_list_free(l->users);
	free(l->legs);
	free(l->rows);
	free(l->runs);
	buf_fini(&l->text);
	free(l);
}

static void fail(struct listing *l)
{
	l->failed = true;
	l->state = LISTING_OVER;
}

/* ---- gathering ---------------------------------------------------------------------------------------------- */

static void legs_take(struct listing *l)
{
	size_t n = 0;

	l->legs = leg_rows(l->all->d, NULL, &n);
	l->rows = l->legs != NULL ? calloc(n + 1, sizeof *l->rows) : NULL;
	for (; l->rows != NULL && l->n < n; l->n++)
		l->rows[l->n] = (struct listed){.user = l->legs[l->n].user, .leg = &l->legs[l->n]};
}

static void users_take(struct listing *l)
{
	json_t *users = roster_list_users(l->users), *row;
	const char *user;

	l->rows = calloc(json_object_size(users) + 1, sizeof *l->rows);
	json_object_foreach (users, user, row)
		if (l->rows != NULL)
			l->rows[l->n++] = (struct listed){.user = json_string_value(json_object_get(row, "user")),
			                                  .row = json_incref(row)};
}

static void sort_begin(struct listing *l)
{
	l->runs = calloc(l->n / RUN_ROWS + 1, sizeof *l->runs);
	l->state = LISTING_SORTS;
	if (l->rows == NULL || l->runs == NULL)
		fail(l);
}

static size_t gather_step(struct listing *l)
{
	size_t n = 1;

	if (is_of_legs(l)) {
		legs_take(l);
	} else {
		if (l->users == NULL)
			l->users = roster_list_new(l->all->d, NULL);
		if (l->users != NULL && !roster_list_step(l->users, &n))
			return n;
		if (l->users != NULL)
			users_take(l);
		roster_list_free(l->users);
		l->users = NULL;
	}
	sort_begin(l);
	return n;
}

/* ---- sorting ------------------------------------------------------------------------------------------------ */

static int listed_compare(const void *a, const void *b)
{
	const struct listed *l = a, *r = b;

	return l->leg != NULL ? leg_row_compare(l->leg, r->leg) : strcmp(l->user, r->user);
}

/* An object, but for its first or last brace. */
static bool part_write(struct listing *l, const json_t *o, bool first)
{
	char *text = json_dumps(o, l->ask.one_line ? DUMP : DUMP_LINES);
	size_t len = text != NULL ? strlen(text) : 0, brace = l->ask.one_line ? 1 : 2; /* with its newline */
	bool ok = text != NULL && (first ? buf_add(&l->text, text, len - brace) : buf_add_text(&l->text, text + 1));

	free(text);
	return ok;
}

static bool key_write(struct listing *l)
{
	return buf_add_text(&l->text, l->ask.one_line ? ",\"" : ",\n  \"") && buf_add_text(&l->text, l->ask.key) &&
	       buf_add_text(&l->text, l->ask.one_line ? "\":" : "\": ");
}

static void write_begin(struct listing *l)
{
	l->state = LISTING_WRITES;
	if (l->ask.key != NULL && l->ask.before == NULL)
		fail(l);
	else if (l->ask.before != NULL && !(part_write(l, l->ask.before, true) && key_write(l)))
		fail(l);
	else if (!buf_add_text(&l->text, "["))
		fail(l);
}

static size_t sort_step(struct listing *l)
{
	size_t from = l->n_runs * RUN_ROWS, n = RUN_ROWS;

	if (from >= l->n) {
		write_begin(l);
		return 1;
	}
	if (n > l->n - from)
		n = l->n - from;
	qsort(&l->rows[from], n, sizeof l->rows[0], listed_compare);
	l->runs[l->n_runs++] = (struct run){from, from + n};
	return LOOP_SLICE / 2;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* The first of those that are not written yet; NULL: all are. */
static struct listed *row_next(struct listing *l)
{
	struct run *first = NULL;

	for (size_t i = 0; i < l->n_runs; i++) {
		struct run *r = &l->runs[i];

		if (r->at < r->end && (first == NULL || listed_compare(&l->rows[r->at], &l->rows[first->at]) < 0))
			first = r;
	}
	return first != NULL ? &l->rows[first->at++] : NULL;
}

static const char *row_begin(const struct listing *l)
{
	if (l->ask.one_line)
		return l->n_written > 0 ? "," : "";
	return l->n_written > 0 ? ",\n    " : "\n    ";
}

/* A user's is no longer needed then. */
static bool row_write(struct listing *l, struct listed *row)
{
	json_t *o = row->leg != NULL ? leg_row_json(l->all->d, row->leg) : row->row;
	char *text = o != NULL ? json_dumps(o, JSON_REAL_PRECISION(12) | (l->ask.one_line ? JSON_COMPACT : 0)) : NULL;
	bool ok = text != NULL && buf_add_text(&l->text, row_begin(l)) && buf_add_text(&l->text, text);

	l->n_written++;
	free(text);
	json_decref(o);
	row->row = NULL;
	return ok;
}

static void write_end(struct listing *l)
{
	bool ok = buf_add_text(&l->text, l->ask.one_line || l->n == 0 ? "]" : "\n  ]");

	if (l->ask.after != NULL)
		ok = ok && buf_add_text(&l->text, ",") && part_write(l, l->ask.after, false);
	else if (l->ask.before != NULL)
		ok = ok && buf_add_text(&l->text, l->ask.one_line ? "}" : "\n}");
	l->state = LISTING_OVER;
	l->failed = l->failed || !ok;
}

static size_t write_step(struct listing *l)
{
	size_t n = 0;
	struct listed *row;

	for (; n < WRITE_ROWS && (row = row_next(l)) != NULL; n++)
		if (!row_write(l, row)) {
			fail(l);
			return n + 1;
		}
	if (l->n_written == l->n)
		write_end(l);
	return n / 4 + 1;
}

/* ---- those who wait ----------------------------------------------------------------------------------------- */

static size_t step(struct listing *l)
{
	switch (l->state) {
	case LISTING_GATHERS:
		return gather_step(l);
	case LISTING_SORTS:
		return sort_step(l);
	case LISTING_WRITES:
		return write_step(l);
	default:
		return 1;
	}
}

static void answer(struct listing *l)
{
	const struct listing_ask ask = {.conn = l->ask.conn, .head_only = l->ask.head_only, .answer = l->ask.answer};
	struct shared_text *text = l->failed ? NULL : shared_text_new(&l->text);

	local_hold(ask.conn, false);
	l->ask.conn = NULL; /* it may end while it is answered */
	ask.answer(&ask, text);
	shared_text_release(text);
	listing_free(l);
}

static unsigned on_turn(struct turn_work *w)
{
	struct listings *all = w->data;
	struct listing *l = TAILQ_FIRST(&all->list);
	unsigned n = l != NULL ? (unsigned)step(l) : 1; /* none: who waited for it left */

	if (l != NULL && l->state == LISTING_OVER)
		answer(l);
	if (!TAILQ_EMPTY(&all->list))
		loop_turn_queue(&all->d->process->turn, w);
	return n;
}

static void hurry(struct listing *l)
{
	while (l->state != LISTING_OVER)
		step(l);
	answer(l);
}

void listing_begin(struct listings *all, const struct listing_ask *ask)
{
	struct listing *l = calloc(1, sizeof *l);

	if (l == NULL) {
		json_decref(ask->before);
		json_decref(ask->after);
		ask->answer(ask, NULL);
		return;
	}
	l->all = all;
	l->ask = *ask;
	TAILQ_INSERT_TAIL(&all->list, l, link);
	local_hold(ask->conn, true);
	if (all->leaves)
		hurry(l);
	else
		loop_turn_queue(&all->d->process->turn, &all->work);
}

void listings_forget(struct listings *all, const struct local_conn *c)
{
	struct listing *l, *next;

	for (l = TAILQ_FIRST(&all->list); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->ask.conn == c)
			listing_free(l);
	}
}

void listings_hurry(struct listings *all, bool leaves)
{
	struct listing *l;

	all->leaves = leaves;
	while ((l = TAILQ_FIRST(&all->list)) != NULL)
		hurry(l);
}

struct listings *listings_new(struct monitor *d)
{
	struct listings *all = calloc(1, sizeof *all);

	if (all == NULL)
		return NULL;
	all->d = d;
	TAILQ_INIT(&all->list);
	all->work = (struct turn_work){.run = on_turn, .data = all};
	return all;
}

void listings_free(struct listings *all)
{
	struct listing *l;

	if (all == NULL)
		return;
	while ((l = TAILQ_FIRST(&all->list)) != NULL)
		listing_free(l);
	loop_turn_unqueue(&all->d->process->turn, &all->work);
	free(all);
}
