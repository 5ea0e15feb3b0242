/* SPDX-License-Identifier: MIT */
/* All that a diagnosis knows, for the files of this directory that change it: each its part. */
#ifndef T3OPS_DIAGNOSIS_DIAGNOSIS_STATE_H
#define T3OPS_DIAGNOSIS_DIAGNOSIS_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/browsers.h"
#include "diagnosis/diagnosis_actions.h"
#include "diagnosis/hurts.h"
#include "diagnosis/page_ends.h"

/* One round of evidence. */
struct round {
	bool open;
	uint64_t opened_us;
	uint64_t news_us;       /* the last news */
	uint64_t asked_us;      /* everything was asked */
	uint64_t classified_us; /* the round before was judged; 0: never */
	bool ask_again;         /* something broke after it was asked */
	bool host_news;         /* what broke may be the host's: no verdict ends before that is judged */
};

struct diagnosis {
	struct topology *topology;
	struct probe_table legs;
	struct verdict_table verdicts;
	struct pressure_ring pressure;
	struct incident now; /* id 0: QUIET */
	struct round round;
	struct host_events host;
	struct pressure last_sample;
	struct page_ends ends;
	struct hurts hurts;
	struct browsers browsers;
	struct slow_paths slow;
	size_t open_tunnels; /* as far as their opening was seen */
	uint64_t last_incident;
	uint64_t ping_timeout_us, page_heartbeat_us, process_watchdog_us;
	const struct diagnosis_actions *actions;
	void *arg;
};

#endif
