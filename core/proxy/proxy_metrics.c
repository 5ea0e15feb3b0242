/* SPDX-License-Identifier: MIT */
/* The proxy's own metrics; see proxy_metrics.h. */
#include "proxy/proxy_metrics.h"

#include <stdio.h>

#include "obs/event.h"

static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

static struct series *plain(struct metrics *arena, const char *name, uint32_t type, const char *help)
{
	struct t3ops_metric family = {.name = name, .type = type, .help = help};

	return metrics_series(arena, &family, NULL, NULL, NULL);
}

static struct series *labelled(struct metrics *arena, const char *name, const char *label, const char *value,
                               const char *help)
{
	struct t3ops_metric family = {.name = name, .type = T3OPS_COUNTER, .labels = {label}, .help = help};

	return metrics_series(arena, &family, NULL, NULL, (const char *[]){value});
}

static void histogram_init(struct proxy_metrics *m)
{
	const struct t3ops_metric family = {
	    .name = "t3ops_first_byte_seconds",
	    .type = T3OPS_HISTOGRAM,
	    .buckets = seconds,
	    .n_buckets = sizeof seconds / sizeof seconds[0],
	    .help = "From the head of a request to the first byte of the t3 server's response."};

	m->first_byte = metrics_series(m->arena, &family, NULL, NULL, NULL);
}

/* Every worker has a gauge of its own: their sum is the proxy's. */
static struct series *worker_gauge(struct metrics *arena, const char *name, unsigned worker, const char *help)
{
	struct t3ops_metric family = {.name = name, .type = T3OPS_GAUGE, .labels = {"worker"}, .help = help};
	char number[12];

	snprintf(number, sizeof number, "%u", worker);
	return metrics_series(arena, &family, NULL, NULL, (const char *[]){number});
}

const char *cut_option_name(enum cut_option option)
{
	static const char *const names[CUT_OPTIONS] = {[CUT_BODY_TIMEOUT] = "body_timeout",
	                                               [CUT_STREAM_TIMEOUT] = "stream_timeout",
	                                               [CUT_PATH_TIMEOUTS] = "path_timeouts"};

	return names[option];
}

void proxy_metrics_init(struct proxy_metrics *m, struct metrics *arena, unsigned worker)
{
	static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

	m->arena = arena;
	for (unsigned i = 0; i < 6; i++)
		m->requests[i] = labelled(arena, "t3ops_requests_total", "class", classes[i],
		                          "Requests, by class of the response; none: the client left before it.");
	for (unsigned i = 1; i < REJECT_REASONS; i++)
		m->refused[i] = labelled(arena, "t3ops_requests_rejected_total", "reason",
		                         reject_label((enum reject_reason)i), "Requests rejected, by reason.");
	for (unsigned i = 0; i < CUT_OPTIONS; i++)
		m->cut[i] = labelled(arena, "t3ops_requests_cut_total", "option", cut_option_name((enum cut_option)i),
		                     "Responses in progress that t3ops cut, by the option whose limit had passed.");
	m->connections = worker_gauge(arena, "t3ops_client_connections", worker,
	                              "Client connections, WebSockets not counted.");
	m->tunnels = worker_gauge(arena, "t3ops_tunnels", worker, "Users' WebSockets that are open.");
	m->tunnels_opened = plain(arena, "t3ops_tunnels_opened_total", T3OPS_COUNTER, "Users' WebSockets opened.");
	m->tunnels_session_dead = plain(arena, "t3ops_tunnels_session_dead_total", T3OPS_COUNTER,
	                                "Users' WebSockets ended because their session had died.");
	m->rejected = plain(arena, "t3ops_connections_rejected_total", T3OPS_COUNTER,
	                    "Client connections closed at once: max_connections or max_connections_per_peer.");
	m->accept_paused = plain(
	    arena, "t3ops_accept_paused_total", T3OPS_COUNTER,
	    "How often accepting connections was paused because descriptors or memory ran short.");
	m->upstream_connects = plain(arena, "t3ops_upstream_connects_total", T3OPS_COUNTER,
	                             "Connections made to t3 servers.");
	m->upstream_failures = plain(arena, "t3ops_upstream_failures_total", T3OPS_COUNTER,
	                             "Connections to t3 servers that failed or ended in the middle of a response.");
	m->upstream_reused = plain(arena, "t3ops_upstream_reused_total", T3OPS_COUNTER,
	                           "Requests that went over a pooled connection.");
	m->upstream_retries = plain(
	    arena, "t3ops_upstream_retries_total", T3OPS_COUNTER,
	    "Requests sent a second time, on a fresh connection, after a pooled one had ended before anything of "
	    "them was read.");
	m->held = plain(arena, "t3ops_requests_held_total", T3OPS_COUNTER,
	                "Requests held because their t3 server may be starting, until it answered or refused.");
	m->identity_ignored = plain(arena, "t3ops_identity_ignored_total", T3OPS_COUNTER,
	                            "Identity headers that came from a peer that is not trusted.");
	m->preface_refused = plain(arena, "t3ops_proxy_headers_refused_total", T3OPS_COUNTER,
	                           "Connections to listeners of proxy_protocol that were closed: not from a trusted "
	                           "proxy, or without a PROXY header.");
	m->users = plain(arena, "t3ops_users", T3OPS_GAUGE, "Users in the table.");
	m->users_broken = plain(arena, "t3ops_users_broken", T3OPS_GAUGE,
	                        "1 while the user table cannot be read and the last valid one stays active.");
	histogram_init(m);
	tunnel_full_init(&m->slots_full, arena, TUNNEL_LIMIT_SLOTS);
	for (unsigned i = 1; i < REASONS; i++)
		m->tunnel_ends[i] = labelled(arena, "t3ops_tunnel_ends_total", "reason", reason_label(i),
		                             "Users' WebSockets that ended, by reason.");
}

void proxy_metrics_request(struct proxy_metrics *m, int status)
{
	series_add(m->requests[status >= 100 && status < 600 ? status / 100 : 0], 1);
}

void proxy_metrics_tunnel_close(struct proxy_metrics *m, unsigned reason)
{
	if (reason > 0 && reason < REASONS)
		series_add(m->tunnel_ends[reason], 1);
}
