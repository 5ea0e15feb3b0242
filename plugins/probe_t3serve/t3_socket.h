/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket to a t3 server's /ws, as a page holds one: opened with the session's cookie, asked with t3's own Ping.
 *
 *   CLOSED --open--> OPENING --101, Ping sent--> PROVING --Pong--> OPEN;  any --end, Ping unanswered--> CLOSED
 */
#ifndef T3OPS_PLUGINS_PROBE_T3SERVE_T3_SOCKET_H
#define T3OPS_PLUGINS_PROBE_T3SERVE_T3_SOCKET_H

#include "plugin.h"

enum t3_socket_state { T3_SOCKET_CLOSED, T3_SOCKET_OPENING, T3_SOCKET_PROVING, T3_SOCKET_OPEN };

struct t3_socket_handler {
	void (*on_open)(void *arg); /* the upgrade was answered; may be NULL */
	/* The Ping was answered. */
	void (*on_pong)(void *arg);
	/* It is closed now; was: what it was before. */
	void (*on_end)(void *arg, const struct t3ops_ws_end *end, enum t3_socket_state was);
};

/* Zeroed is closed. */
struct t3_socket {
	struct t3ops_ctx *ctx;
	const struct t3_socket_handler *handler;
	void *arg;
	enum t3_socket_state state; /* set by state_set only */
	struct t3ops_ws *ws;
	struct t3ops_timer *limit; /* of the Ping that is out; NULL: none is */
	uint64_t asked_us;         /* when the last Ping was sent */
	uint64_t timeout_us;       /* of the attempt, and of each Ping */
};

/* cookie: NAME=VALUE.  The handler is called later, or on_end at once without memory. */
void t3_socket_open(struct t3_socket *s, const struct t3ops_user *user, const char *cookie);
/* Only when it is OPEN and no Ping is out. */
void t3_socket_ping(struct t3_socket *s);
/* In order, with code 1000; nothing is called after it. */
void t3_socket_close(struct t3_socket *s);

#endif
