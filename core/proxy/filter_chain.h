/* SPDX-License-Identifier: MIT */
/*
 * The plugins' turn: calls one of their hooks in the order of the sections, and says what came of it.  Acts on
 * nothing: what a plugin does with the request comes in as a mark (request_services.c).  Proxy.
 */
#ifndef T3OPS_PROXY_FILTER_CHAIN_H
#define T3OPS_PROXY_FILTER_CHAIN_H

#include "plugin_host/plugin_host.h"

/* What a plugin did with the request in its turn, or while the request waited for it. */
enum filter_mark { FILTER_MARK_NONE, FILTER_MARK_RESUMED, FILTER_MARK_ANSWERED, FILTER_MARK_TAKEN };

/* Which of a plugin's callbacks is called. */
enum filter_hook { FILTER_ON_IDENTITY, FILTER_ON_REQUEST, FILTER_ON_UNAUTHORIZED };

/* One request's way through the plugins; zeroed, with its two first members set, is ready. */
struct filter_chain {
	struct plugin_host *plugins;
	t3ops_request_id request;
	enum filter_hook hook;
	size_t next; /* whose turn comes next */
	enum filter_mark mark;
	bool resumed; /* a plugin with this hook has said to go on */
};

enum filter_result {
	FILTER_FORWARD,    /* nobody answered: it goes on */
	FILTER_WAITING,    /* a plugin works on it */
	FILTER_ANSWERED,   /* the response is complete */
	FILTER_TAKEN,      /* it is a plugin's WebSocket now */
	FILTER_UNANSWERED, /* a plugin says that it answered, and did not */
};

/* Begins at the first plugin again, with that hook. */
void filter_chain_begin(struct filter_chain *c, enum filter_hook hook);
/* From the next plugin on. */
enum filter_result filter_chain_run(struct filter_chain *c);
/* The name of the plugin that keeps it waiting. */
const char *filter_chain_waits_for(const struct filter_chain *c);

#endif
