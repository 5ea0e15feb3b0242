/* SPDX-License-Identifier: MIT */
/* The proxy's own metrics; series that a request touches are looked up once. */
#ifndef T3OPS_PROXY_PROXY_METRICS_H
#define T3OPS_PROXY_PROXY_METRICS_H

#include "ipc/tunnel_full.h"
#include "net/request_validation.h"
#include "obs/metrics.h"
#include "tbl/reason.h"

/* The options whose limit cuts a response in progress. */
enum cut_option { CUT_BODY_TIMEOUT, CUT_STREAM_TIMEOUT, CUT_PATH_TIMEOUTS, CUT_OPTIONS };

struct proxy_metrics {
	struct metrics *arena;
	struct series *requests[6]; /* by status / 100; 0: none of them */
	struct series *refused[REJECT_REASONS];
	struct series *cut[CUT_OPTIONS];
	struct series *connections, *tunnels, *tunnels_opened, *tunnels_session_dead, *rejected, *accept_paused;
	struct series *upstream_connects, *upstream_failures, *upstream_reused, *upstream_retries, *held;
	struct series *identity_ignored, *preface_refused, *users, *users_broken;
	struct series *first_byte; /* histogram */
	struct series *tunnel_ends[REASONS];
	struct tunnel_full slots_full;
};

/* As it stands in t3ops.conf. */
const char *cut_option_name(enum cut_option option);
void proxy_metrics_init(struct proxy_metrics *m, struct metrics *arena, unsigned worker);
/* An exchange ended with that status. */
void proxy_metrics_request(struct proxy_metrics *m, int status);
/* A tunnel ended for that reason (enum t3ops_reason). */
void proxy_metrics_tunnel_close(struct proxy_metrics *m, unsigned reason);

#endif
