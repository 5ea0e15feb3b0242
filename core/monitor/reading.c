/* SPDX-License-Identifier: MIT */
/* Looks into the journal, a slice at a time; see reading.h. */
#include "monitor/reading.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "sys/clock.h"

#define SLICE_US UINT64_C(5000)
#define PAUSE_S  0.001 /* others have the loop */
#define BUSY_MS  20

struct reading {
	TAILQ_ENTRY(reading) link;
	struct reading_task task;
	size_t part; /* that is read */
	sqlite3 *db;
	sqlite3_stmt *rows; /* of that part; NULL: it has not begun */
};

struct readings {
	struct ev_loop *loop;
	struct journal *journal;
	struct ev_timer turn;
	TAILQ_HEAD(list, reading) list;
};

static void reading_finish(struct readings *all, struct reading *r, enum reading_end how)
{
	struct reading_task task = r->task;

	TAILQ_REMOVE(&all->list, r, link);
	sqlite3_finalize(r->rows);
	sqlite3_close(r->db);
	free(r);
	task.on_end(task.arg, how);
}

/* Its query, with what it asks for. */
static bool part_begin(struct reading *r)
{
	const struct reading_part *part = &r->task.parts[r->part];
	int parameters;

	if (sqlite3_prepare_v2(r->db, part->sql, -1, &r->rows, NULL) != SQLITE_OK)
		return false;
	parameters = sqlite3_bind_parameter_count(r->rows);
	if (parameters > 0)
		sqlite3_bind_int64(r->rows, 1, (sqlite3_int64)part->from_us);
	if (parameters > 1)
		sqlite3_bind_int64(r->rows, 2, (sqlite3_int64)part->until_us);
	if (parameters > 2)
		sqlite3_bind_text(r->rows, 3, part->text, -1, SQLITE_STATIC);
	return true;
}

static void part_end(struct reading *r)
{
	sqlite3_finalize(r->rows);
	r->rows = NULL;
	r->part++;
}

/* One row, or the beginning or the end of a part; false: it fails. */
static bool reading_step(struct reading *r)
{
	int step;

	if (r->rows == NULL)
		return part_begin(r);
	step = sqlite3_step(r->rows);
	if (step == SQLITE_ROW && r->task.parts[r->part].on_row(r->task.arg, r->rows))
		return true;
	if (step == SQLITE_ROW || step == SQLITE_DONE)
		part_end(r);
	return step == SQLITE_ROW || step == SQLITE_DONE;
}

/* The next one's turn. */
static void on_turn(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct readings *all = w->data;
	struct reading *r = TAILQ_FIRST(&all->list);
	uint64_t end_us = clock_mono_us() + SLICE_US;
	bool ok = true;

	(void)revents;
	while (ok && r->part < r->task.n && clock_mono_us() < end_us)
		ok = reading_step(r);
	TAILQ_REMOVE(&all->list, r, link);
	TAILQ_INSERT_TAIL(&all->list, r, link);
	if (!ok || r->part == r->task.n)
		reading_finish(all, r, ok ? READING_DONE : READING_FAILED);
	if (TAILQ_EMPTY(&all->list))
		ev_timer_stop(loop, w);
	else
		ev_timer_again(loop, w);
}

struct readings *readings_new(struct ev_loop *loop, struct journal *journal)
{
	struct readings *all = calloc(1, sizeof *all);

	if (all == NULL)
		return NULL;
	all->loop = loop;
	all->journal = journal;
	TAILQ_INIT(&all->list);
	ev_timer_init(&all->turn, on_turn, 0., PAUSE_S);
	all->turn.data = all;
	return all;
}

void readings_free(struct readings *all)
{
	struct reading *r;

	if (all == NULL)
		return;
	while ((r = TAILQ_FIRST(&all->list)) != NULL)
		reading_finish(all, r, READING_FAILED);
	ev_timer_stop(all->loop, &all->turn);
	free(all);
}

static bool reading_open(struct reading *r, struct journal *journal)
{
	struct journal_db *file = journal_written(journal);

	if (!journal_db_open(file) ||
	    sqlite3_open_v2(file->path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return false;
	sqlite3_busy_timeout(r->db, BUSY_MS);
	sqlite3_exec(r->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
	return true;
}

void reading_start(struct readings *all, const struct reading_task *task)
{
	struct reading *r = all != NULL ? calloc(1, sizeof *r) : NULL;

	if (r == NULL) {
		task->on_end(task->arg, READING_FAILED);
		return;
	}
	r->task = *task;
	TAILQ_INSERT_TAIL(&all->list, r, link);
	if (reading_open(r, all->journal))
		ev_timer_again(all->loop, &all->turn);
	else
		reading_finish(all, r, READING_FAILED);
}

void readings_forget(struct readings *all, const void *owner)
{
	struct reading *r, *next;

	for (r = TAILQ_FIRST(&all->list); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->task.owner == owner)
			reading_finish(all, r, READING_GONE);
	}
	if (TAILQ_EMPTY(&all->list))
		ev_timer_stop(all->loop, &all->turn);
}
