/* SPDX-License-Identifier: MIT */
/*
 * A leg that is a WebSocket to an echo (probe_echo): opens it, sends a small numbered text a heartbeat,
 * takes its echo as the answer.
 */
#ifndef T3OPS_PLUGINS_COMMON_WS_LEG_H
#define T3OPS_PLUGINS_COMMON_WS_LEG_H

#include "common/ws_fresh.h"

/* One leg's connection; zeroed is closed. */
struct ws_leg {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	struct t3ops_ws *ws;   /* NULL: closed */
	struct ws_trace trace; /* its heartbeats */
	struct ws_fresh fresh; /* beside it */
};

/* From leg_open, or later in the same attempt.  Ends are reported to the process by themselves. */
void ws_leg_open(struct ws_leg *w, struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_open *open);
void ws_leg_ping(struct ws_leg *w);
/* A fresh connection beside it, from leg_fresh: ends by itself, and its result goes to the process. */
void ws_leg_fresh(struct ws_leg *w, const struct t3ops_ws_open *open, bool thorough);
void ws_leg_close(struct ws_leg *w);

/* Fills what the options url, interface, ca_file and timeout say. */
void ws_leg_options(struct t3ops_ctx *ctx, struct t3ops_ws_open *open);

#define WS_LEG_OPTIONS                                                                                               \
	{"url", T3OPS_OPT_WS_URL, T3OPS_REQUIRED, 0, 0, "The echo, as wss://HOST/probe/ws."},                        \
	    {"interface", T3OPS_OPT_INTERFACE,                                                                       \
	     "",          0,                                                                                         \
	     0,           "Network device or source address to go out by; empty: any."},                             \
	    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificate authorities to trust; empty: the system's."},      \
	    {"large_beat", T3OPS_OPT_DURATION,                                                                       \
	     "5m",         0,                                                                                        \
	     86400000000,  "How often a large message, 64 KiB each way, is sent on a fresh connection; 0s: never."}, \
	{                                                                                                            \
		"timeout", T3OPS_OPT_DURATION, "10s", 100000, 600000000,                                             \
		    "Limit of one attempt: connection, TLS and upgrade."                                             \
	}

#endif
