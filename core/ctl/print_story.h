/* SPDX-License-Identifier: MIT */
/* The story of a verdict, and rows of verdicts, as a person reads them.  Control bytes never reach the terminal. */
#ifndef T3OPS_CTL_PRINT_STORY_H
#define T3OPS_CTL_PRINT_STORY_H

#include <jansson.h>
#include <stdio.h>

/* Each takes the "result" of its command. */
void print_story(FILE *out, const json_t *answer);
/* One row each, column headers, oldest first. */
void print_verdict_rows(FILE *out, const json_t *newest_first);
/* What the times of a verdict count from: a user's "drop", or "failure" if it affected nobody. */
const char *verdict_beginning(const json_t *verdict);

#endif
