/* SPDX-License-Identifier: MIT */
/*
 * What the files of the proxy share.  The story of a request, top to bottom:
 *
 *   client.c     accepts, reads a head, hands it to an exchange, begins again
 *   exchange.c   gate -> identity -> plugins -> instance -> answer: the state machine
 *   chain.c      the plugins' turn, and the services they have there
 *   rewrite.c    heads as they leave
 *   upstream.c   connections to the instances, pooled
 *   answer.c     what t3ops itself answers
 *   tunnel.c     a WebSocket between a user and the instance, free of the request that made it
 *   handover.c   tunnels move from the proxy that drains to the one that took its place
 *   quota.c      how many connections a peer, requests and tunnels a user has
 *   throttle.c   events that anybody can cause, once a minute
 *   recheck.c    tunnels whose session has died
 *   tunnel_alive.c    which tunnels carried data after a drop
 *   wsserver.c   a WebSocket that ends at a plugin
 */
#ifndef T3OPS_PROXY_PROXY_STATE_H
#define T3OPS_PROXY_PROXY_STATE_H

#include <sys/queue.h>

#include "sys/buf.h"
#include "plugin_host/plugin_host.h"
#include "sys/secret_file.h"
#include "net/cidr.h"
#include "proxy/date.h"
#include "proxy/proxy_metrics.h"
#include "proxy/throttle.h"
#include "proxy/quota.h"

#define SCRATCH_BYTES (1024u << 10)

/* The core options of the proxy, read once. */
struct proxy_conf {
	struct cidr_list trusted;
	const char *identity_header;
	bool strip_domain;
	const char *secret_header;
	unsigned char secret[SECRET_DIGEST_BYTES];
	bool has_secret;
	const struct text_list *allowed_origins, *public_paths;
	size_t max_peer_connections, max_user_requests, max_user_tunnels;
	size_t max_connections, max_header_bytes, max_headers, upstream_pool;
	uint64_t header_us, keepalive_us, body_us, connect_us, first_byte_us, upstream_idle_us, plugin_us;
	uint64_t tunnel_send_us, gave_up_us, recheck_us;
};

struct acceptor {
	struct ev_io io;
	struct proxy *proxy;
};

struct proxy {
	struct process *process;
	struct ev_loop *loop;
	struct proxy_conf conf;
	struct proxy_metrics metrics;
	struct users *users;
	char tables[3][512]; /* the directories that it comes from */
	struct plugin_host *plugins;
	struct acceptor acceptors[PROCESS_MAX_LISTENERS];
	size_t n_acceptors;
	int last_fd;                  /* with it accepting pauses */
	struct ev_timer accept_again; /* after the descriptors ran out */
	LIST_HEAD(, client) clients;
	size_t n_clients;
	LIST_HEAD(, tunnel) tunnels;
	size_t n_tunnels;
	struct quota peers, user_requests, user_tunnels;
	struct throttle throttle;
	LIST_HEAD(, t3ops_ws) websockets;
	LIST_HEAD(, pool) pools;
	LIST_HEAD(, alive_round) rounds;
	struct { /* of recheck.c */
		struct ev_timer tick;
		const struct t3ops_pairing *pairing;
		size_t under_way;
	} recheck;
	struct request_slot *slots; /* of chain.c */
	size_t n_slots, free_slot;  /* none below that one is free */
	uint64_t last_tunnel;
	bool draining;
	struct ev_prepare left;          /* while it drains: is anything left? */
	LIST_HEAD(, handover) handovers; /* tunnels are given away, or taken */
	char *scratch;                   /* SCRATCH_BYTES; its content dies with the callback */
	struct date date;
	struct buf head_room; /* lent to whoever reads an answer's head; see response.c */
	struct buf head;      /* one that leaves, until it is sent: at most one is made at a time */
};

/* A proxy that drains leaves the gauges to the one that took its place. */
static inline void proxy_gauges_set(struct proxy *f)
{
	if (f->draining)
		return;
	series_set(f->metrics.connections, (double)f->n_clients);
	series_set(f->metrics.tunnels, (double)f->n_tunnels);
}

#endif
