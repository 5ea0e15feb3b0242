/* SPDX-License-Identifier: MIT */
/*
 * Long looks into the journal: months of rows, a few milliseconds at a time, so that the monitor's loop never waits
 * for them.  Each has a read-only connection of its own, and sees the journal as it was when it began.  Those that
 * are in progress take turns.  Monitor process.
 */
#ifndef T3OPS_MONITOR_READING_H
#define T3OPS_MONITOR_READING_H

#include <ev.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/journal.h"

#define READING_PARTS_MAX 12

struct readings;

enum reading_end {
	READING_DONE,   /* every part came to its end */
	READING_FAILED, /* the journal cannot be read now, or the monitor ends */
	READING_GONE,   /* whoever asked is gone: nobody is to be answered */
};

/* One query.  Its parameters, as many as it has: ?1 from_us, ?2 until_us, ?3 text. */
struct reading_part {
	const char *sql;  /* static; finds its rows by an index, one after the other */
	const char *text; /* static, or "" */
	uint64_t from_us, until_us;
	bool (*on_row)(void *arg, sqlite3_stmt *row); /* false: this part needs no more */
};

struct reading_task {
	struct reading_part parts[READING_PARTS_MAX]; /* one after the other */
	size_t n;
	void (*on_end)(void *arg, enum reading_end how); /* once; frees arg */
	void *arg;
	const void *owner; /* for readings_forget */
};

/* journal is borrowed.  NULL without memory. */
struct readings *readings_new(struct ev_loop *loop, struct journal *journal);
/* Ends all with READING_FAILED. */
void readings_free(struct readings *r);

/* Begins; on_end comes later, or at once if it cannot be: NULL of a monitor that ends, too. */
void reading_start(struct readings *r, const struct reading_task *task);
/* Ends those of an owner who is gone. */
void readings_forget(struct readings *r, const void *owner);

#endif
