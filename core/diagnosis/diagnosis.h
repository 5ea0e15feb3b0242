/* SPDX-License-Identifier: MIT */
/*
 * The diagnosis: from the first drop to the verdict, and on to its end.  Takes what happened and the time, emits
 * actions; knows no process, no socket, no loop, no clock and no file, so that a test drives it with a table of
 * reports.
 *
 *   QUIET --drop: everything is asked--> GATHERING --all have reported, or the time is up: judged--> FOLLOWING
 *   FOLLOWING --drop, or more evidence--> GATHERING: judged again, which may revise verdicts
 *   FOLLOWING --nothing for EVIDENCE_US, or all is over--> QUIET
 *
 * What opens an incident, or joins the open one:
 *   a leg that had worked and ends for a reason that is at fault on the PATH
 *   a leg that is late: a suspicion; it is dismissed if the leg answers and nothing else broke
 *   a resolver that fails after it worked
 *   a fresh connection beside a leg that fails, for a reason that is at fault on the PATH; a large message that is
 * lost a tunnel whose page lost it (page_evidence.h), or, where that is not known, whose close reason is at fault
 * anywhere
 *
 * What is reported: leg_news.h, user_news.h, host_news.h.  When a round is judged: round_due.h.  What follows from
 * what was seen: evidence.h.  How it becomes verdicts: classify.h.  Every constant: incident_timing.h.
 */
#ifndef T3OPS_DIAGNOSIS_DIAGNOSIS_H
#define T3OPS_DIAGNOSIS_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/diagnosis_actions.h"
#include "diagnosis/recall.h"

struct diagnosis;

struct diagnosis_setup {
	struct path_shape shape;
	uint64_t ping_timeout_us;     /* how long a leg may take to answer a probe */
	uint64_t process_watchdog_us; /* how long a process may hang before it is killed */
	uint64_t page_heartbeat_us;   /* period of the page's Pings */
	const struct diagnosis_actions *actions;
	void *arg;
};

/* 0 or an error of topology_new; *which as there.  setup.actions and setup.arg are borrowed until the free. */
int diagnosis_new(const struct diagnosis_setup *setup, struct diagnosis **out, const char **which);
void diagnosis_free(struct diagnosis *d);

/* Before the first report: goes on where an earlier diagnosis ended, with ids behind its last ones... */
void diagnosis_go_on(struct diagnosis *d, uint64_t last_incident, uint64_t last_verdict);
/* ... and with a verdict that it gave.  0, -EEXIST: it is known; -ENOMEM. */
int diagnosis_recall(struct diagnosis *d, const struct recall *r, uint64_t now_us);
/* ... and with what it knew of a browser; its user is copied.  0 or -ENOMEM. */
int diagnosis_recall_browser(struct diagnosis *d, const struct browser *known);

/* What is reported now waited for so long in a queue, since the monitor itself did not run. */
void diagnosis_woke(struct diagnosis *d, uint64_t late_us, uint64_t now_us);

/* Before it is freed for good: classifies drops that t3ops itself caused, which nobody could afterwards. */
int diagnosis_finish(struct diagnosis *d, uint64_t now_us);

/* Does what is due; *next_us becomes when it wants to be called again, UINT64_MAX: when something happens.
 * 0, or -ENOMEM: verdicts are missing. */
int diagnosis_tick(struct diagnosis *d, uint64_t now_us, uint64_t *next_us);

const struct topology *diagnosis_topology(const struct diagnosis *d);
const struct probe_table *diagnosis_legs(const struct diagnosis *d);
/* Standing ones, and those that ended within FORGET_US. */
const struct verdict_table *diagnosis_verdicts(const struct diagnosis *d);
/* The open incident's id while evidence is gathered; 0: none is. */
uint64_t diagnosis_gathering(const struct diagnosis *d);
/* The open incident; its id is 0: none is. */
const struct incident *diagnosis_incident(const struct diagnosis *d);

#endif
