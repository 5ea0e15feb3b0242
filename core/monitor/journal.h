/* SPDX-License-Identifier: MIT */
/*
 * The journal: events and verdicts in SQLite (WAL), so that they outlive processes, and what a monitor has to know
 * of the verdicts of the one before it.  Rows are queued and
 * written by a short timer, some hundreds in a transaction, and wait while somebody else holds the file; what is too
 * old is pruned, a little at a time.  A disk that fails is logged once and counted, and never stops the
 * monitor.  Monitor process; short file I/O on the loop, and a thread waits for the disk.
 */
#ifndef T3OPS_MONITOR_JOURNAL_H
#define T3OPS_MONITOR_JOURNAL_H

#include <ev.h>
#include <jansson.h>
#include <stdint.h>

#include "monitor/journal_db.h"
#include "obs/event.h"

struct journal;

/* Opens or makes the file.  One that cannot be opened is tried again later: rows are lost meanwhile.
 * NULL without memory. */
struct journal *journal_new(struct ev_loop *loop, const char *path, uint64_t keep_us);
void journal_free(struct journal *j); /* writes what waits */

/* Queues a row if the kind is journalled, and as long as its user has not too many (journal_cap.h). */
void journal_event(struct journal *j, const struct event *e);
/* Queues a verdict; its "serial" and "incident" become the row, in place of one with that serial. */
void journal_verdict(struct journal *j, const json_t *verdict);
/* Queues what the next monitor has to know of that verdict; "": nothing any more. */
void journal_memory(struct journal *j, uint64_t verdict, const char *text);
/* Queues what the next monitor has to know of that user's browser, in place of what it would know. */
void journal_browser(struct journal *j, const char *user, const char *goodbye, bool http2);
/* Queues how much of a minute, which began then, this machine stood still for: in 10,000ths. */
struct journal_minute {
	uint64_t time_us;
	unsigned memory, io, cpu;
};
void journal_pressure(struct journal *j, const struct journal_minute *m);
/* Queues a piece of the recording of an incident (recorder.h), which is copied. */
void journal_recording(struct journal *j, uint64_t incident, unsigned piece, const char *text, size_t len);
/* Writes what waits, now. */
void journal_flush(struct journal *j);

/* Rows that were not written. */
uint64_t journal_lost(const struct journal *j);
/* Rows beyond a user's share. */
uint64_t journal_left_out(const struct journal *j);

/* Writes what waits; the file, for journal_read.c. */
struct journal_db *journal_written(struct journal *j);

#endif
