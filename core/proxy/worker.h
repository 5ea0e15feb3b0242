/* SPDX-License-Identifier: MIT */
/*
 * One worker of the proxy: what all its files work with.  What belongs to one file alone is a struct of that
 * file, which the others know by name only.  The story of a request, from top to bottom:
 *
 *   proxy.c              builds the worker, passes messages on, drains, stops
 *   acceptor.c           accepts connections, and pauses when descriptors run short
 *     peer.c             who is at the other end, and whether it is trusted
 *     preface.c          the PROXY header that a connection begins with, where one must come
 *   client.c             a connection: reads a head, hands it to exchange.c, flushes the response, begins again
 *   exchange.c           one request and its response, step by step
 *     exchange_state.c   its states, what follows from them, and its ends
 *     exchange_local.c   what t3ops responds itself
 *     exchange_handoff.c a response in progress moves to another process
 *     request.c          the head: validated, its path, its user
 *     filter_chain.c     the plugins' turn
 *       request_services.c   what plugins can do with a request
 *     readiness.c        requests wait for a t3 server that starts
 *     upstream.c         connections to the t3 servers, pooled
 *       upstream_fetch.c     what plugins ask over them
 *     response.c         the t3 server's response
 *     rewrite.c          heads as they leave
 *     local_response.c   responses of our own; explanation.c: in which words
 *     tunnel.c           a user's WebSocket, from the 101 on
 *       tunnel_report.c      what is said of it
 *       tunnel_walk.c        all of them are looked at, some at a time
 *     wsserver.c         a WebSocket that ends at a plugin
 *   handover.c           tunnels, responses and idle clients move to the successor of this process
 *   verdict_words.c      what the verdict that stands says to a user
 *   recheck.c            sessions of open tunnels that have died
 *   tunnel_alive.c       which tunnels carried data after a drop
 */
#ifndef T3OPS_PROXY_WORKER_H
#define T3OPS_PROXY_WORKER_H

#include "plugin_host/plugin_host.h"
#include "proxy/date.h"
#include "proxy/navigations.h"
#include "proxy/proxy_conf.h"
#include "proxy/proxy_metrics.h"
#include "proxy/report_intake.h"
#include "proxy/verdict_words.h"
#include "obs/throttle.h"
#include "sys/buf.h"

#define SCRATCH_BYTES (1024u << 10)

struct worker {
	struct process *process;
	struct ev_loop *loop;
	struct proxy_conf conf;
	struct proxy_metrics metrics;
	struct users *users;
	struct plugin_host *plugins;
	struct throttle throttle;
	struct navigations navigations;
	struct report_intake reports;
	struct verdict_words verdict_words;
	struct date date;
	bool draining; /* it takes nothing new; its successor serves */

	/* Lent: the content does not outlive the callback. */
	char *scratch;        /* SCRATCH_BYTES, to read into */
	struct buf head;      /* one that leaves, until it is sent */
	struct buf head_room; /* of response.c */

	/* Each one's own. */
	struct peers *peers;
	struct acceptors *acceptors;
	struct prefaces *prefaces;
	struct clients *clients;
	struct exchanges *exchanges;
	struct upstream_dialer *dialer;
	struct upstreams *upstreams;
	struct upstream_fetches *fetches;
	struct readiness *readiness;
	struct tunnels *tunnels;
	struct wsservers *wsservers;
	struct handovers *handovers;
	struct recheck *recheck;
	struct alive_rounds *alive_rounds;
};

/* A worker that drains leaves the gauges to its successor. */
static inline void worker_gauge_set(struct worker *worker, struct series *gauge, size_t value)
{
	if (!worker->draining)
		series_set(gauge, (double)value);
}

#endif
