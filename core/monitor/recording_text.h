/* SPDX-License-Identifier: MIT */
/*
 * The text of a recording: the file of one incident, for an editor and for `t3ops replay`.  Lines, of which the first
 * word says what they are; the head of the file explains them to its reader (recording_text.c).
 *
 *   t3ops-recording 1
 *   about ..., story ..., setup ..., state ..., fact ..., incomplete ..., end ..., verdict ...
 *
 * A replay reads setup, state and fact, and stops at end.
 */
#ifndef T3OPS_MONITOR_RECORDING_TEXT_H
#define T3OPS_MONITOR_RECORDING_TEXT_H

#include "conf/process_config.h"
#include "diagnosis/diagnosis.h"

#define RECORDING_FIRST_LINE "t3ops-recording 1"

/* What a recording is of. */
struct recording_head {
	uint64_t incident;
	uint64_t zero_us, zero_wall_us; /* CLOCK_MONOTONIC, and since 1970: offsets are from here */
	uint64_t serial;                /* of the last verdict before it */
};

/* The explanation, and what the file is about. */
void recording_head_write(const struct recording_head *h, FILE *out);
/* What the diagnosis was made with; 0 or -ENOMEM. */
int recording_setup_write(const struct recording_head *h, const struct process_config *config, FILE *out);
/* " +1.234567": how long after zero. */
void recording_offset_write(uint64_t zero_us, uint64_t at_us, FILE *out);
/* Nothing follows from here on for that reason: a replay would not say what was said. */
void recording_incomplete_write(const char *why, FILE *out);
/* state: over, open, incomplete. */
void recording_end_write(const char *state, uint64_t wall_us, FILE *out);

#endif
