/* SPDX-License-Identifier: MIT */
/* What one view of the page shows, gathered from the journal and from what the monitor knows, without blocking.
 * Monitor process. */
#ifndef T3OPS_MONITOR_SITE_DATA_H
#define T3OPS_MONITOR_SITE_DATA_H

#include "monitor/monitor_state.h"
#include "monitor/site_lanes.h"

#define SITE_DAY_US UINT64_C(86400000000)

struct site_range {
	const char *name, *title; /* "24h", "24 h" */
	uint64_t length_us;
};

extern const struct site_range site_ranges[];
extern const size_t site_ranges_n;

struct site_data {
	struct monitor *monitor;
	const struct site_range *range;
	uint64_t chosen;                      /* number of the verdict whose evidence is shown; 0: none */
	uint64_t from_us, until_us, first_us; /* the range; the first row of the journal */
	json_t *verdicts;                     /* of 90 days, newest first, as verdicts_since has them */
	json_t *story;                        /* of story_read; NULL: none */
	json_t *users;                        /* of roster_json */
	json_t *status, *headline;            /* of status_json, headline_json */
	struct site_lanes legs, people;
	struct journal_minute *minutes;
	size_t n_minutes, room_for_minutes;
	bool cut; /* there was more than is drawn */
};

struct site_ask {
	const char *range; /* name; another one: the default */
	uint64_t chosen;
	const void *owner;
	/* Once; data is freed afterwards.  NULL: the journal cannot be read, or the owner is gone. */
	void (*on_data)(void *arg, const struct site_data *data, bool gone);
	void *arg;
};

void site_data_gather(struct monitor *d, const struct site_ask *ask);

#endif
