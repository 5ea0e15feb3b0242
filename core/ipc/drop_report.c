/* SPDX-License-Identifier: MIT */
/* Counting what was dropped; see drop_report.h. */
#include "ipc/drop_report.h"

#include <inttypes.h>

#include "obs/log.h"

#define LOG_PAUSE_US UINT64_C(10000000)

static const char *direction_name(enum drop_direction direction)
{
	return direction == DROP_TO ? "to" : "from";
}

void drop_report_init(struct drop_report *r, struct metrics *m, enum process_id process,
                      enum drop_direction direction)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_messages_dropped_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"process", "direction"},
	    .help =
	        "Messages to or from the process that were dropped because a queue was full or they were malformed."};

	*r = (struct drop_report){.process = process, .direction = direction};
	r->series = metrics_series(m, &family, NULL, NULL,
	                           (const char *[]){process_name(process), direction_name(direction)});
}

void drop_report_update(struct drop_report *r, uint64_t dropped, uint64_t now_us)
{
	if (dropped > r->seen) {
		series_add(r->series, dropped - r->seen);
		r->unlogged += dropped - r->seen;
		r->seen = dropped;
	}
	if (r->unlogged == 0 || (r->logged_us > 0 && now_us - r->logged_us < LOG_PAUSE_US))
		return;
	log_write(LOG_L_WARNING, "messages_dropped", kv_child(process_name(r->process)),
	          kv_direction(direction_name(r->direction)), kv_dropped((int64_t)r->unlogged));
	r->unlogged = 0;
	r->logged_us = now_us;
}
