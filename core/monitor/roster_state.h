/* SPDX-License-Identifier: MIT */
/* What roster.c keeps and roster_list.c shows.  Types only.  Monitor process. */
#ifndef T3OPS_MONITOR_ROSTER_STATE_H
#define T3OPS_MONITOR_ROSTER_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/delay_sketch.h"
#include "plugin.h"

/* What one proxy has of a user. */
struct roster_row {
	char user[T3OPS_USER_NAME_SIZE];
	uint32_t from; /* serial of the proxy */
	uint64_t seen_us, tunnels, age_us, delay_us;
	uint64_t counted_us;         /* CLOCK_MONOTONIC of the proxy's last count, 0: none yet */
	double up_per_s, down_per_s; /* between the last two; below 0: not known yet */
	struct delay_sketch delays;
};

struct roster {
	struct roster_row *rows;
	size_t n, room;
	uint64_t asked_us, asked_before_us; /* CLOCK_MONOTONIC: the last two times */
	unsigned changed;                   /* how often it is to be asked again soon */
	json_t *drops;                      /* user: time_us of the last one */
};

static inline bool roster_is_stale(const struct roster *r, const struct roster_row *row)
{
	return row->seen_us < r->asked_before_us;
}

#endif
