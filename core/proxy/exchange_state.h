/* SPDX-License-Identifier: MIT */
/*
 * An exchange: one request of a client and its response.
 *
 *   FILTERING <--> WAITING                  of a request with a user: plugins ask for proof that it is theirs
 *     v
 *   HELD                                    its t3 server has to answer first (readiness.h)
 *     '--> FILTERING <--> WAITING           a plugin's turn; a plugin works on it
 *       |--> (ended)                        a plugin, or t3ops, responded
 *       |--> (ended)                        a plugin took it: its WebSocket
 *       '--> CONNECTING --> AWAITING --> RELAYING --> (ended)
 *                 \______________|_ a pooled connection that nobody read any more: once more, on a fresh one
 *                                |_ a 401 that a plugin can mend: FILTERING, then once more
 *                                '--> (ended)      a tunnel
 *
 * The request's body flows from AWAITING on, whatever the response does.  What happens in which state is the story
 * in exchange.c; here are its data, the one place that changes its state, the one that derives from it who is read
 * and how long is waited, and its ends.  Proxy; a client has at most one.
 */
#ifndef T3OPS_PROXY_EXCHANGE_STATE_H
#define T3OPS_PROXY_EXCHANGE_STATE_H

#include "proxy/client.h"
#include "proxy/filter_chain.h"
#include "proxy/local_response.h"
#include "proxy/quota.h"
#include "proxy/readiness.h"
#include "proxy/request.h"
#include "proxy/request_ids.h"
#include "proxy/response.h"

enum exchange_state {
	EXCHANGE_FILTERING,  /* the plugins' turn; over before anything else happens */
	EXCHANGE_HELD,       /* until its t3 server answers */
	EXCHANGE_WAITING,    /* for a plugin, or for the monitor */
	EXCHANGE_CONNECTING, /* to the t3 server */
	EXCHANGE_AWAITING,   /* the head of its response */
	EXCHANGE_RELAYING,   /* the rest of it */
};

/* All of the worker (worker->exchanges). */
struct exchanges {
	struct request_ids ids;
	struct quota users; /* how many each user has in progress */
};

struct exchange {
	struct client *client;
	struct worker *worker;
	enum exchange_state state;
	size_t in_used; /* bytes of the client's input that are its own, the head first */
	struct filter_chain filters;
	struct local_response local;
	struct t3ops_ws *ws; /* of a plugin that takes it */
	struct upstream *up; /* from CONNECTING on */
	struct response response;
	struct browser_report *report; /* of which the body is collected (browser_reports.h) */
	bool asks_monitor;             /* it waits for that, not for a plugin (my_page.h) */
	bool counted;                  /* among the user's exchanges */
	bool retried;                  /* on a fresh connection */
	char blame, phase;             /* of access_log.h: who ended it, and in which phase; 0: nobody so far */
	uint64_t bytes_up;             /* of its body */
	struct held held;
	struct request request; /* the last member, as its head is its last */
};

struct exchanges *exchanges_new(void);
void exchanges_free(struct exchanges *all); /* none may be in progress */

/* Its request's head, the first head_len bytes of the client's input, is still to be read.  NULL without memory. */
struct exchange *exchange_new(struct client *c, size_t head_len);

void exchange_set_state(struct exchange *x, enum exchange_state state);
/* Something has moved on in the same state: who is read now, and how long is waited from now on. */
void exchange_watch(struct exchange *x);
/* Whether only the t3 server can go on, and may take its time. */
bool exchange_is_streaming(const struct exchange *x);
/* What of the client's input is not its own. */
struct span exchange_early_bytes(const struct exchange *x);

/* Who is to blame for an end that is about to come (access_log.h); whoever is said first stays.  Of a request that
 * ends as it should nobody is. */
void exchange_blame(struct exchange *x, char who);
void exchange_blame_in(struct exchange *x, char who, char phase);

/* The line of the access log, just before one of the ends that free it; status: 0 for none; reason: of a rejection.
 */
void exchange_record(const struct exchange *x, int status, const char *reason);

/* The ends; all free it. */

/* The response is complete. */
void exchange_end(struct exchange *x, int status, bool keep_alive);
/* Nothing more can be sent to the client: its connection is cut, and half a response is seen to be half. */
void exchange_cut(struct exchange *x);
/* Its connection goes on as something else: the descriptor. */
int exchange_detach(struct exchange *x);
/* Without a word to anybody; the client stays. */
void exchange_free(struct exchange *x);
/* Its connection to the t3 server, if it has one, is closed; that of an upgrade by the t3 server itself. */
void exchange_drop_upstream(struct exchange *x);

#endif
