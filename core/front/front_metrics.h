/* SPDX-License-Identifier: MIT */
/* The front's own metrics; series that a request touches are looked up once. */
#ifndef T3OPS_FRONT_METRICS_H
#define T3OPS_FRONT_METRICS_H

#include "base/http_gate.h"
#include "base/metrics.h"

struct front_metrics {
	struct metrics *arena;
	struct series *requests[6]; /* by status / 100; 0: none of them */
	struct series *refused[GATE_REFUSALS];
	struct series *connections, *tunnels, *tunnels_opened, *tunnels_session_dead, *rejected, *accept_paused;
	struct series *upstream_connects, *upstream_failures, *upstream_reused, *upstream_retries;
	struct series *identity_ignored, *users, *users_broken;
	struct series *first_byte; /* histogram */
};

void front_metrics_init(struct front_metrics *m, struct metrics *arena, unsigned worker);
/* An exchange ended with that status. */
void front_metrics_request(struct front_metrics *m, int status);
/* A tunnel ended for that reason (enum t3ops_reason). */
void front_metrics_tunnel_end(struct front_metrics *m, unsigned reason);

#endif
