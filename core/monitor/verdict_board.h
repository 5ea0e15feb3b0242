/* SPDX-License-Identifier: MIT */
/* What stands now: the latest revision of every verdict that the diagnosis knows, with its present state.  Monitor
 * process. */
#ifndef T3OPS_MONITOR_VERDICT_BOARD_H
#define T3OPS_MONITOR_VERDICT_BOARD_H

#include <jansson.h>

#include "diagnosis/verdict_table.h"
#include "sys/time_text.h"

struct verdict_board_row {
	uint64_t id;
	json_t *json; /* of verdict_json, with its serial */
	char ended_time[TIME_TEXT_SIZE];
};

struct verdict_board {
	struct verdict_board_row *rows;
	size_t n, room;
};

void verdict_board_fini(struct verdict_board *b);
/* Keeps a reference to the latest revision, which gets what browsers reported of the one before; 0 or -ENOMEM. */
int verdict_board_put(struct verdict_board *b, const struct verdict *v, json_t *json);
/* One of an earlier monitor's, unless a later revision is there; 0 or -ENOMEM. */
int verdict_board_restore(struct verdict_board *b, const struct verdict *v, json_t *json);
/* The verdict has ended: brings its row up to date and returns it, borrowed; NULL: it is not known. */
json_t *verdict_board_end(struct verdict_board *b, const struct verdict *v, uint64_t wall_us);
/* Forgets what the table has forgotten. */
void verdict_board_expire(struct verdict_board *b, const struct verdict_table *t);
/* New reference: array, newest first, brought up to date. */
json_t *verdict_board_json(struct verdict_board *b, const struct verdict_table *t);

#endif
