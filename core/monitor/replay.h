/* SPDX-License-Identifier: MIT */
/*
 * The replay of a recording (recording_text.h): a new diagnosis is told everything that the monitor's was told, at
 * the times at which it was, and what it says is written as the monitor writes it.  Reads no clock and no config;
 * what a recording says of its verdicts is not looked at.
 */
#ifndef T3OPS_MONITOR_REPLAY_H
#define T3OPS_MONITOR_REPLAY_H

#include <jansson.h>
#include <stdio.h>

/* The revisions of all verdicts of the incident, in the order in which they were given, as the journal has them.
 * Changes the text, which ends with a NUL.  New reference; NULL after one sentence in why. */
json_t *replay_text(char *text, char *why, size_t size);

/* `t3ops replay FILE [VERDICT]`: prints them as `t3opsctl verdicts` has them in JSON, or that one in its last
 * revision as `t3opsctl show` has it; verdict: its number, NULL for all.  What main returns. */
int replay_main(const char *path, const char *verdict, FILE *out, FILE *errors);

#endif
