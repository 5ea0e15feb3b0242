/* SPDX-License-Identifier: MIT */
/*
 * The heartbeats of a leg's connection, and what became of one that is not answered: whichever other connection to
 * the echo opens next asks it how far it got.  Prober process.
 */
#ifndef T3OPS_PLUGINS_COMMON_WS_TRACE_H
#define T3OPS_PLUGINS_COMMON_WS_TRACE_H

#include "common/ws_beat.h"
#include "plugin.h"

/* One heartbeat that is not answered. */
struct ws_unanswered {
	char id[WS_ID_SIZE]; /* of its connection; "": there is none */
	uint64_t number, sent_us;
	uint32_t told; /* what was reported of it, enum t3ops_beat; 0: nothing */
};

struct ws_trace {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	uint64_t numbers;           /* given so far */
	char id[WS_ID_SIZE];        /* of the connection that there is */
	struct ws_unanswered out;   /* the heartbeat that is out on it */
	struct ws_unanswered ended; /* and the one that was out when the connection before ended */
};

/* A new connection begins. */
void ws_trace_begin(struct ws_trace *t, struct t3ops_ctx *ctx, struct t3ops_leg *leg);
/* Sends a heartbeat over it. */
void ws_trace_send(struct ws_trace *t, struct t3ops_ws *ws);
/* Whether that is the answer to it; then *rtt_us, and the stamps are reported. */
bool ws_trace_answered(struct ws_trace *t, const void *data, size_t len, uint64_t *rtt_us);
/* Another connection is open: asks over it. */
void ws_trace_ask(struct ws_trace *t, struct t3ops_ws *ws);
/* Whether that answers such a question; what it says is reported once. */
bool ws_trace_told(struct ws_trace *t, const void *data, size_t len);

#endif
