/* SPDX-License-Identifier: MIT */
/*
 * Incidents: from the first drop to the verdict.  Takes events and the time, emits actions; knows no
 * socket, no loop, no clock and no file, so that a test drives it with a table of events.
 *
 *   quiet --drop--> open (probe) --every leg has reported, or the time is up--> verdicts --> quiet
 *
 * What opens an incident, or joins the open one:
 *   leg_down whose reason is at fault on the PATH, of a leg that had worked
 *   leg_late: a suspicion; it is dismissed if the leg answers and nothing else broke
 *   leg_resolver that fails after it worked
 *   tunnel_drop whose reason is at fault anywhere
 *
 * What is accused                                          and acquitted by the same attempt
 *   leg, established or late                all segments   -
 *   leg, latest attempt ended in DNS        resolver       -
 *   ... CONNECT or TLS                      up to the edge resolver; before the edge, if it answered
 *   ... HTTP with a status                  after the edge resolver, up to the edge
 *   ... HTTP with anything else             from the edge  resolver, before the edge
 *   leg, login page                         nothing        nothing: a note says so
 *   resolver alone                          resolver       -
 *   tunnel, side SERVE                      serve(user)    -
 *   tunnel, side CLIENT                     the user's path without serve(user)
 *   tunnel, side PATH (page gave up)        the user's whole path
 *
 * What is acquitted
 *   leg that answered this incident's ping and did not fail in it: all segments, and the resolver's
 *     if its last lookup worked
 *   tunnel that carried data after the drop and is older than it: the user's path, serve(user) if
 *     the instance sent
 *
 * A leg that failed in an earlier incident and is still down neither accuses nor acquits.  A verdict
 * stands until the legs it was based on work again, or, without legs, the users are back
 * (verdict_healed).  New suspects that meet those of a standing verdict narrow to what they share: the
 * same fault goes on.  A tunnel that is older than a fault on its path and had been silent since before
 * the fault's end, if that healed less than GRACE_US ago, fell victim to it.
 *
 * A loop of t3ops that was itself frozen in the window convicts `host` and nobody else.
 */
#ifndef T3OPS_DIAGNOSIS_INCIDENT_H
#define T3OPS_DIAGNOSIS_INCIDENT_H

#include <jansson.h>
#include <stdint.h>

#include "obs/event.h"
#include "ipc/message.h"
#include "diagnosis/probe_table.h"
#include "monitor/host_pressure.h"
#include "diagnosis/verdict.h"

#define INCIDENT_SETTLE_US       200000  /* a burst of drops is one incident */
#define INCIDENT_TUNNEL_ALIVE_US 1200000 /* tunnels answer a probe after a second: awaited if no leg fails */
#define INCIDENT_GRACE_US        500000  /* beyond ping_timeout */
#define INCIDENT_LOOKBACK_US     1000000 /* a freeze that ended so long before the drop counts */

/* A fault whose every path works again. */
struct healed {
	uint64_t id;      /* of its incident */
	uint64_t took_us; /* since the first drop */
	char segments[160];
};

struct incident_actions {
	/* Ask every leg and tunnel what works now. */
	void (*probe)(void *arg, uint64_t id, uint64_t since_us);
	/* v is moved in: take its evidence, or release it with verdict_fini. */
	void (*verdict)(void *arg, struct verdict *v);
	void (*healed)(void *arg, const struct healed *h);
	/* A leg met a login page. */
	void (*walled_off)(void *arg, const char *leg);
	/* A fresh sample of the host, at the end of an incident. */
	void (*pressure)(void *arg, struct pressure *out);
};

struct incidents;

/* config: the monitor's.  actions is borrowed until the free.  NULL without memory. */
struct incidents *incidents_new(const json_t *config, uint64_t next_id, const struct incident_actions *actions,
                                void *arg);
void incidents_free(struct incidents *i);

void incidents_event(struct incidents *i, const struct event *e, uint64_t now_us);
/* The state of a process changed: a new legs process knows nothing of the old one's connections. */
void incidents_process(struct incidents *i, const struct msg_process *process, uint64_t now_us);
void incidents_pressure(struct incidents *i, const struct pressure *sample);
/* Does what is due; returns when it wants to be called again, UINT64_MAX: when something happens. */
uint64_t incidents_tick(struct incidents *i, uint64_t now_us);

const struct probe_table *incidents_legs(const struct incidents *i);
/* Whether one is open (id), for the status page; 0 if not. */
uint64_t incidents_open(const struct incidents *i);

#endif
