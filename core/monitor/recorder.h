/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: what the diagnosis was told, for its replay (recording_text.h).
 *
 * The last two minutes of it are always kept (recorder_story.h).  When an incident opens, a recording is begun: that
 * story, the state of the diagnosis, and then every fact as it comes.  It goes on until the incident is over and none
 * of its verdicts stands, and a little longer, for what is back so soon is the same fault.  It goes to the journal a
 * piece at a time; one without a drop and without a verdict is thrown away.
 *
 * Nothing here grows without a bound, and what a bound left out is said in the recording: that of the story,
 * RECORDING_BYTES of one recording, RECORDINGS_MAX at the same time, STATE_LINES of a state, which is what the loop
 * waits for once an incident.  Monitor process.
 */
#ifndef T3OPS_MONITOR_RECORDER_H
#define T3OPS_MONITOR_RECORDER_H

#include "conf/process_config.h"
#include "diagnosis/diagnosis.h"
#include "monitor/journal.h"
#include "obs/event.h"

#define RECORDER_RECORDING_BYTES (16u << 20)
#define RECORDER_RECORDINGS_MAX  4
#define RECORDER_STATE_LINES     20000

struct recorder;

/* config is borrowed.  NULL without memory. */
struct recorder *recorder_new(const struct process_config *config);
/* The process ends: recordings in progress are written as far as they go, and say so. */
void recorder_end(struct recorder *r, struct journal *journal);
void recorder_free(struct recorder *r);

/* What the diagnosis is about to be told; NULL: nobody records. */
void recorder_event(struct recorder *r, const struct event *e, uint64_t now_us);
void recorder_sample(struct recorder *r, const struct pressure *sample, uint64_t now_us);
void recorder_host(struct recorder *r, const struct host_event *e, uint64_t now_us);
void recorder_prober_gone(struct recorder *r, uint64_t wall_us, uint64_t now_us);
void recorder_woke(struct recorder *r, uint64_t late_us, uint64_t now_us);
void recorder_tick(struct recorder *r, uint64_t wall_us, uint64_t now_us);
void recorder_finish(struct recorder *r, uint64_t now_us);
/* The tick is over, or the finish: what is looked at now is no part of it. */
void recorder_tick_over(struct recorder *r);

/* For the reader alone: what, and its pairs. */
void recorder_tell(struct recorder *r, const char *what, const char *pairs, uint64_t now_us);

/* The diagnosis was told, and its time went on: begins and ends recordings.  serial: of the last verdict.  Whether
 * one was begun. */
bool recorder_follow(struct recorder *r, const struct diagnosis *d, uint64_t serial, uint64_t now_us);
/* Whether more of that incident is to come. */
bool recorder_follows(const struct recorder *r, uint64_t incident);
/* Each second: hands a piece to the journal. */
void recorder_write(struct recorder *r, struct journal *journal);
/* All that there is, now: whoever reads the journal next finds it. */
void recorder_write_all(struct recorder *r, struct journal *journal);

#endif
