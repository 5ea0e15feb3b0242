/* SPDX-License-Identifier: MIT */
/* The monitor's question what works now, passed on to the legs: shared ones at once, those of users a few at a time,
 * affected users first.  Prober. */
#ifndef T3OPS_PROBER_PROBE_ROUND_H
#define T3OPS_PROBER_PROBE_ROUND_H

#include <ev.h>

#include "ipc/message.h"
#include "prober/leg.h"
#include "prober/probe_queue.h"

struct probe_round {
	struct ev_loop *loop;
	struct ev_timer pause; /* until more may be asked */
	struct probe_queue queue;
	unsigned left;         /* that may be asked before it ends */
	uint64_t id, since_us; /* of the latest question */
};

void probe_round_init(struct probe_round *r, struct ev_loop *loop);
void probe_round_fini(struct probe_round *r);
/* The question is about this leg; affected: its user is. */
void probe_round_ask(struct probe_round *r, struct t3ops_leg *leg, const struct msg_probe *probe, uint64_t id,
                     bool affected);
/* The leg ends. */
void probe_round_forget(struct probe_round *r, struct t3ops_leg *leg);

#endif
