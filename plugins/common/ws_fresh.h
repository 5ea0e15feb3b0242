/* SPDX-License-Identifier: MIT */
/*
 * The fresh connections of a WebSocket leg: opened, one heartbeat, now and then a large message, closed.  One that
 * hangs when the next one begins is abandoned.
 *
 *   CLOSED --ws_fresh_begin--> OPENING --open: a heartbeat goes--> BEATING --answered: leg_fresh_up--> CLOSED
 *   BEATING --answered, and a large message is due--> LARGE_SENT --the far end has it--> LARGE_ARRIVED
 *   LARGE_SENT, LARGE_ARRIVED --answered, limit, end: leg_large--> CLOSED
 *   OPENING, BEATING --end: leg_fresh_down--> CLOSED;  any --ws_fresh_begin, ws_fresh_close--> CLOSED, nothing is
 * said
 */
#ifndef T3OPS_PLUGINS_COMMON_WS_FRESH_H
#define T3OPS_PLUGINS_COMMON_WS_FRESH_H

#include "common/ws_trace.h"
#include "plugin.h"

enum ws_fresh_state {
	WS_FRESH_CLOSED,
	WS_FRESH_OPENING,
	WS_FRESH_BEATING,
	WS_FRESH_LARGE_SENT,
	WS_FRESH_LARGE_ARRIVED
};

struct ws_fresh;

/* One connection. */
struct ws_fresh_one {
	struct ws_fresh *all;
	struct t3ops_ws *ws; /* NULL: closed */
	enum ws_fresh_state state;
	uint64_t number;            /* of the heartbeat, and of the large message */
	uint64_t begun_us, sent_us; /* the connection; the large message */
	struct t3ops_timer *limit;  /* of the large message; NULL: none is out */
};

/* Those of one leg: a large message may still be out when the next connection begins.  Zeroed is closed. */
struct ws_fresh {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	struct ws_trace *trace; /* the heartbeats of the connection beside which they are; NULL: of none */
	struct ws_fresh_one ones[2];
	uint64_t numbers;    /* given so far */
	uint64_t large_us;   /* when a large message was last sent, 0: never */
	bool thorough;       /* a large message is due whenever the last one was */
	bool lost;           /* the last one was lost: the next one is due at once */
	bool refusal_logged; /* the far end does not know the key */
};

/* open is copied; its headers are made here. */
void ws_fresh_begin(struct ws_fresh *f, struct t3ops_ctx *ctx, struct t3ops_leg *leg,
                    const struct t3ops_ws_open *open, bool thorough);
void ws_fresh_close(struct ws_fresh *f);

/* Opens a WebSocket that shows the probe key, if there is one. */
struct t3ops_ws *ws_open_with_key(struct t3ops_ctx *ctx, const struct t3ops_ws_open *open,
                                  const struct t3ops_ws_handler *handler, void *arg);

#endif
