/* SPDX-License-Identifier: MIT */
/*
 * The server: its listeners and what its connections share.  One libev loop.
 *
 * The life of `t3 serve`: listening but not answering (the dead window), serving, and the ways it ends
 * (stop.h; crash.h).
 */
#ifndef T3STUB_SERVER_H
#define T3STUB_SERVER_H

#include <ev.h>
#include <stdint.h>

#include "lab/t3/store.h"

#define TICKETS 32

/* What the environment switches (T3STUB_...).  A time that is not given is the measured one times
 * T3STUB_TIME. */
struct switches {
	double time;        /* TIME: factor of all measured times; 1 */
	long dead_ms;       /* DEAD_MS: listening, but not answering; 150 */
	long start_ms;      /* START_MS: before listening; 0 */
	long grace_ms;      /* GRACE_MS: how long a stop waits for WebSockets and hung connections; -1: as measured */
	long idle_ms;       /* IDLE_MS: idle connections are closed after it; 5000 */
	long deflate_min;   /* DEFLATE_MIN: shorter answers are not compressed on a WebSocket; 1024 */
	bool egress_drops;  /* EGRESS=dropped: telemetry goes nowhere; else it fails at once */
	bool log;           /* LOG: print every request */
	const char *page;   /* PAGE: file that is served as the index page; NULL: one line of HTML */
	const char *socket; /* SOCKET: Unix socket to answer on besides; NULL: none */
};

/* A token for the WebSocket, reusable until it expires. */
struct ticket {
	char text[64];
	ev_tstamp expires;
};

struct conn;

struct server {
	struct ev_loop *loop;
	struct store *store;
	const struct profile *profile;
	struct switches switches;
	const char *host;
	uint16_t port;
	int listener, unix_listener; /* -1: closed */
	ev_io acceptor, unix_acceptor;
	ev_timer dead_window, ready, goodbye, end;
	ev_signal sigterm, sigint, sigusr1, sigusr2;
	struct conn *conns;
	bool stopping;
	bool websockets_mute; /* messages are read and not answered */
	double harm;          /* done by clients that left refused upgrades; 1 is the end */
	char cookie_name[64];
	char *page; /* what is served as the index page */
	struct ticket tickets[TICKETS];
	unsigned next_ticket;
};

/* Serves until SIGTERM or SIGINT.  Returns the exit code. */
int server_run(struct server *s, const char *host, uint16_t port);

/* Stops listening, on every address. */
void server_listeners_close(struct server *s);

/* A measured time in seconds, scaled. */
double server_seconds(const struct server *s, long ms);

#endif
