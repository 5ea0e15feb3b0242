/* SPDX-License-Identifier: MIT */
/* The daemon's answers as a person reads them.  Control bytes never reach the terminal. */
#ifndef T3OPS_CTL_PRINT_H
#define T3OPS_CTL_PRINT_H

#include <jansson.h>
#include <stdio.h>

/* Each takes the "result" of its command. */
void print_status(FILE *out, const json_t *status);
void print_legs(FILE *out, const json_t *legs);
void print_verdicts(FILE *out, const json_t *newest_first);
void print_standing(FILE *out, const json_t *newest_first); /* verdicts as well */
void print_verdict(FILE *out, const json_t *verdict);
void print_events(FILE *out, const json_t *newest_first);
void print_event(FILE *out, const json_t *event);
/* {"configured":LEVEL,"processes":{NAME:LEVEL}} */
void print_log_levels(FILE *out, const json_t *levels);
/* Of an action: a table of its rows, or a list on a terminal that is too narrow for that; without rows its summary.
 */
void print_rows(FILE *out, const json_t *answer);
/* Of an incident, as it is to be in the file; whether it is whole, to stderr. */
void print_recording(FILE *out, const json_t *recording);
void print_text(FILE *out, const json_t *text); /* a string, its newlines kept */

#endif
