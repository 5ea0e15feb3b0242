/* SPDX-License-Identifier: MIT */
/*
 * The server: listener, connections and the life of `t3 serve` (dead window after listening, idle
 * connections closed, the ways it stops).  One libev loop.
 *
 *   connection:  HTTP --upgrade--> WEBSOCKET
 *                HTTP --request in the dead window--> HUNG (never answered, never closed)
 */
#ifndef T3STUB_SERVER_H
#define T3STUB_SERVER_H

#include <ev.h>
#include <stdint.h>

#include "lab/t3/request.h"
#include "lab/t3/store.h"

#define TICKETS 32

enum conn_state { CONN_HTTP, CONN_WEBSOCKET, CONN_HUNG };

struct buffer {
	char *data;
	size_t len, size;
};

struct server;

struct conn {
	struct server *server;
	struct conn *next, *prev;
	ev_io reader, writer;
	ev_timer idle;
	enum conn_state state;
	struct buffer in, out;
	struct buffer message; /* WebSocket: the fragments so far */
	bool closing;          /* close when out is empty */
	bool continued;        /* 100 Continue was sent for the request at the head of `in` */
	bool gone;             /* freed when the callback that runs is over */
};

/* What the environment switches (T3STUB_...), in milliseconds where it is a time. */
struct switches {
	long dead_ms;  /* DEAD_MS: listening, but not answering; 150 */
	long start_ms; /* START_MS: before listening; 0 */
	long grace_ms; /* GRACE_MS: how long a slow stop waits; 20000 */
	long idle_ms;  /* IDLE_MS: idle connections are closed after it; 5000 */
	bool log;      /* LOG: print every request */
};

/* A token for the WebSocket, reusable until it expires. */
struct ticket {
	char text[64];
	ev_tstamp expires;
};

struct server {
	struct ev_loop *loop;
	struct store *store;
	const struct profile *profile;
	struct switches switches;
	const char *host;
	uint16_t port;
	int listener;
	ev_io acceptor;
	ev_timer dead_window, end;
	ev_signal sigterm, sigint, sigusr1, sigusr2;
	struct conn *conns;
	bool stopping;
	char cookie_name[64];
	struct ticket tickets[TICKETS];
	unsigned next_ticket;
};

/* Serves until SIGTERM or SIGINT.  Returns the exit code. */
int server_run(struct server *s, const char *host, uint16_t port);

/* Queues bytes and sends what the socket takes. */
void conn_send(struct conn *c, const void *data, size_t len);
/* Closes once everything queued is sent. */
void conn_close_after(struct conn *c);

void buffer_add(struct buffer *b, const void *data, size_t len);
void buffer_drop(struct buffer *b, size_t len);

#endif
