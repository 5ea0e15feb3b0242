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
 * What follows from what was seen: evidence.h.  How it becomes verdicts: classify.h.  Every constant:
 * incident_timing.h.
 */
#ifndef T3OPS_DIAGNOSIS_DIAGNOSIS_H
#define T3OPS_DIAGNOSIS_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/classify.h"
#include "diagnosis/page_evidence.h"
#include "diagnosis/recall.h"
#include "diagnosis/slow_paths.h"

struct diagnosis;

struct diagnosis_actions {
	/* Ask every leg and tunnel what works now; since_us: when the drop began that is asked about.  user: ask the
	 * legs of this one before others'; NULL: everything. */
	void (*probe)(void *arg, uint64_t incident, uint64_t since_us, const char *user);
	/* A page lost its tunnel; late: its end had seemed ordinary, and what came next says that it was none. */
	void (*dropped)(void *arg, const struct drop *drop, bool late);
	/* A verdict, or a revision of one.  b and all it points to is borrowed until it returns. */
	void (*verdict)(void *arg, const struct verdict_basis *b);
	/* A verdict has ended: healed or expired. */
	void (*ended)(void *arg, const struct verdict *v);
	/* Something is slow, or no more; convicts nobody. */
	void (*slow)(void *arg, const struct slow_report *r);
	/* A leg met a login page. */
	void (*walled_off)(void *arg, const char *leg);
	/* Something happened to the host; of what was reported, all but frozen processes. */
	void (*host)(void *arg, const struct host_event *e);
	/* A fresh look at the host before a classification: to report what is new with diagnosis_pressure and
	 * diagnosis_host. */
	void (*look)(void *arg, struct diagnosis *d);
};

struct diagnosis_setup {
	struct path_shape shape;
	uint64_t ping_timeout_us;     /* how long a leg may take to answer a probe */
	uint64_t process_watchdog_us; /* how long a process may hang before it is killed */
	uint64_t page_heartbeat_us;   /* period of the page's Pings */
	const struct diagnosis_actions *actions;
	void *arg;
};

/* What happened to a leg. */
struct leg_report {
	enum leg_input_kind kind; /* up to LEG_LARGE */
	const char *name, *user;
	uint16_t step, reason, code;
	uint64_t wall_us, mono_us; /* when; mono_us 0: now */
	uint64_t waited_us;        /* as in leg_input */
	uint64_t age_us;           /* ALIVE, ATTEMPT: for how long it has been up, or down; 0: not said */
};

/* A user's tunnel ended. */
struct end_report {
	const char *user, *address, *colo;
	const char *why; /* what t3ops itself has to say of it; "": nothing */
	uint64_t tunnel; /* its number */
	uint16_t reason, code;
	bool dropped;              /* whoever reported it called it a drop */
	uint64_t wall_us, mono_us; /* when; mono_us 0: now */
	uint64_t age_us;           /* of the tunnel, 0: not known */
	uint64_t idle_client_us, idle_upstream_us;
	struct page_facts page; /* end NONE: nothing is known of the page; period and age are filled in here */
};

/* A user's tunnel was opened. */
struct open_report {
	const char *user, *address, *colo;
};

/* A user's tunnel carries data. */
struct live_report {
	const char *user;
	uint64_t client_us, serve_us; /* CLOCK_MONOTONIC: when each side last sent something; 0: not said */
};

/* 0 or an error of topology_new; *which as there.  setup.actions and setup.arg are borrowed until the free. */
int diagnosis_new(const struct diagnosis_setup *setup, struct diagnosis **out, const char **which);
void diagnosis_free(struct diagnosis *d);

/* Before the first report: goes on where an earlier diagnosis ended, with ids behind its last ones... */
void diagnosis_go_on(struct diagnosis *d, uint64_t last_incident, uint64_t last_verdict);
/* ... and with a verdict that it gave.  0, -EEXIST: it is known; -ENOMEM. */
int diagnosis_recall(struct diagnosis *d, const struct recall *r, uint64_t now_us);

/* Each takes one report: 0, or -ENOMEM: it is lost as evidence. */
int diagnosis_leg(struct diagnosis *d, const struct leg_report *r, uint64_t now_us);
int diagnosis_leg_gone(struct diagnosis *d, const char *name, const char *user, uint64_t now_us);
int diagnosis_tunnel_end(struct diagnosis *d, const struct end_report *r, uint64_t now_us);
int diagnosis_tunnel_open(struct diagnosis *d, const struct open_report *r, uint64_t now_us);
int diagnosis_tunnel_live(struct diagnosis *d, const struct live_report *r, uint64_t now_us);
/* A user's tunnel is open, and its page's heartbeat changed: late, silent, or on time again. */
int diagnosis_page(struct diagnosis *d, const char *user, const struct page_facts *facts, uint64_t wall_us,
                   uint64_t now_us);
/* The user's browser loaded a document; http2: over HTTP/2 or later. */
int diagnosis_navigation(struct diagnosis *d, const char *user, bool http2, uint64_t now_us);
/* Something happened to the host: a process was frozen, or a clock has a gap. */
int diagnosis_host(struct diagnosis *d, const struct host_event *e, uint64_t now_us);
/* A proxy of ours died at mono_us; hung: it was killed, for it did not answer. */
int diagnosis_proxy_gone(struct diagnosis *d, bool hung, uint64_t mono_us, uint64_t now_us);
/* What is reported now waited for so long in a queue, since the monitor itself did not run. */
void diagnosis_woke(struct diagnosis *d, uint64_t late_us, uint64_t now_us);
/* The prober was replaced or is gone: nothing is known of the old one's connections. */
void diagnosis_prober_replaced(struct diagnosis *d, uint64_t wall_us);
int diagnosis_pressure(struct diagnosis *d, const struct pressure *sample);

/* Before it is freed for good: classifies drops that t3ops itself caused, which nobody could afterwards. */
int diagnosis_finish(struct diagnosis *d, uint64_t now_us);

/* Does what is due; *next_us becomes when it wants to be called again, UINT64_MAX: when something happens.
 * 0, or -ENOMEM: verdicts are missing. */
int diagnosis_tick(struct diagnosis *d, uint64_t now_us, uint64_t *next_us);

const struct probe_table *diagnosis_legs(const struct diagnosis *d);
/* Standing ones, and those that ended within FORGET_US. */
const struct verdict_table *diagnosis_verdicts(const struct diagnosis *d);
/* The open incident's id while evidence is gathered; 0: none is. */
uint64_t diagnosis_gathering(const struct diagnosis *d);

#endif
