/* SPDX-License-Identifier: MIT */
/*
 * The diagnosis: from the first drop to the verdict.  Takes what happened and the time, emits actions; knows no
 * process, no socket, no loop, no clock and no file, so that a test drives it with a table of reports.
 *
 *   quiet --drop--> open (probe) --every leg has reported, or the time is up--> verdicts --> quiet
 *
 * What opens an incident, or joins the open one:
 *   a leg that had worked and ends for a reason that is at fault on the PATH
 *   a leg that is late: a suspicion; it is dismissed if the leg answers and nothing else broke
 *   a resolver that fails after it worked
 *   a tunnel that drops for a reason that is at fault anywhere
 *
 * What follows from what was seen: evidence.h.  How it becomes verdicts: classify.h.
 */
#ifndef T3OPS_DIAGNOSIS_DIAGNOSIS_H
#define T3OPS_DIAGNOSIS_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/pressure.h"
#include "diagnosis/probe_table.h"
#include "diagnosis/topology.h"
#include "diagnosis/verdict.h"

#define INCIDENT_SETTLE_US     200000  /* a burst of drops is one incident */
#define INCIDENT_LIVE_ROUND_US 1200000 /* tunnels answer a probe after a second: awaited if no leg fails */
#define INCIDENT_GRACE_US      500000  /* beyond ping_timeout */
#define INCIDENT_LOOKBACK_US   1000000 /* a freeze that ended so long before the drop counts */

/* A fault whose every path works again. */
struct healed {
	uint64_t id;      /* of its incident */
	uint64_t took_us; /* since the first drop */
	struct tomo_path suspects;
};

struct diagnosis_actions {
	/* Ask every leg and tunnel what works now. */
	void (*probe)(void *arg, uint64_t id, uint64_t since_us);
	/* v and all it points to is borrowed until it returns. */
	void (*verdict)(void *arg, const struct verdict *v);
	void (*healed)(void *arg, const struct healed *h);
	/* A leg met a login page. */
	void (*walled_off)(void *arg, const char *leg);
	/* A fresh sample of the host, at the end of an incident. */
	void (*pressure)(void *arg, struct pressure *out);
};

struct diagnosis_setup {
	struct path_shape shape;
	uint64_t ping_timeout_us; /* how long a leg may take to answer a probe */
	uint64_t next_id;         /* of the first incident; at least 1 */
	const struct diagnosis_actions *actions;
	void *arg;
};

/* What happened to a leg. */
struct leg_report {
	enum leg_input_kind kind; /* up to LEG_LOOKED_UP */
	const char *name, *user;
	uint16_t step, reason, code;
	uint64_t wall_us, mono_us; /* when; mono_us 0: now */
	uint64_t rtt_us;
	uint64_t probe_id; /* the incident whose probe it answers, 0: none */
};

/* A user's tunnel broke. */
struct drop_report {
	const char *user, *address, *colo;
	uint16_t reason, code;
	uint64_t wall_us, mono_us; /* when; mono_us 0: now */
	uint64_t age_us;           /* of the tunnel, 0: not known */
	uint64_t idle_client_us, idle_upstream_us;
};

/* A user's tunnel was opened. */
struct open_report {
	const char *user, *address, *colo;
};

/* A user's tunnel carried data of the client after the drop that a probe asked about. */
struct live_report {
	const char *user;
	uint64_t probe_id;
	uint64_t mono_us;
	uint64_t idle_upstream_us; /* 0: not said */
	bool carried_down;         /* if it is not said: whether the t3 server ever sent */
};

/* A process of t3ops was frozen. */
struct freeze_report {
	const char *process; /* static */
	uint64_t us, end_us; /* how long, until when; end_us 0: now */
};

struct diagnosis;

/* 0 or an error of topology_new; *which as there.  setup.actions and setup.arg are borrowed until the free. */
int diagnosis_new(const struct diagnosis_setup *setup, struct diagnosis **out, const char **which);
void diagnosis_free(struct diagnosis *d);

/* Each takes one report: 0, or -ENOMEM: it is lost as evidence. */
int diagnosis_leg(struct diagnosis *d, const struct leg_report *r, uint64_t now_us);
int diagnosis_leg_gone(struct diagnosis *d, const char *name, const char *user, uint64_t now_us);
int diagnosis_drop(struct diagnosis *d, const struct drop_report *r, uint64_t now_us);
int diagnosis_open(struct diagnosis *d, const struct open_report *r, uint64_t now_us);
int diagnosis_live(struct diagnosis *d, const struct live_report *r, uint64_t now_us);
void diagnosis_freeze(struct diagnosis *d, const struct freeze_report *r, uint64_t now_us);
/* The prober was replaced or is gone: nothing is known of the old one's connections. */
void diagnosis_prober_replaced(struct diagnosis *d, uint64_t wall_us);
void diagnosis_pressure(struct diagnosis *d, const struct pressure *sample);

/* Does what is due; *next_us becomes when it wants to be called again, UINT64_MAX: when something happens.
 * 0, or -ENOMEM: verdicts are missing. */
int diagnosis_tick(struct diagnosis *d, uint64_t now_us, uint64_t *next_us);

const struct probe_table *diagnosis_legs(const struct diagnosis *d);
/* The open incident's id; 0: none is. */
uint64_t diagnosis_incident(const struct diagnosis *d);

#endif
