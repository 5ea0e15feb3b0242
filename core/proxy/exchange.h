/* SPDX-License-Identifier: MIT */
/*
 * An exchange: one request of a client and its response.
 *
 *   FILTERING <--> WAITING                  a plugin's turn; a plugin works on it
 *       |--> (ended)                        a plugin, or t3ops, responded
 *       |--> (ended)                        a plugin took it: its WebSocket
 *       '--> CONNECTING --> AWAITING --> RELAYING --> (ended)
 *                 \______________|_ a stale pooled connection: once more, on a fresh one
 *                                '--> (ended)      a tunnel
 *
 * The request's body flows from AWAITING on, whatever the response does.  exchange_set_state is the one place that
 * changes the state, exchange_watch the one that derives from it who is read and how long is waited.  An exchange
 * is freed in exchange_end, exchange_cut, exchange_refuse, or where its connection is taken over.  Proxy; a
 * client has at most one.
 */
#ifndef T3OPS_PROXY_EXCHANGE_H
#define T3OPS_PROXY_EXCHANGE_H

#include "proxy/client.h"
#include "proxy/filter_chain.h"
#include "proxy/local_response.h"
#include "proxy/quota.h"
#include "proxy/request.h"
#include "proxy/request_ids.h"
#include "proxy/response.h"

enum exchange_state {
	EXCHANGE_FILTERING,  /* the plugins' turn; over before anything else happens */
	EXCHANGE_WAITING,    /* for a plugin */
	EXCHANGE_CONNECTING, /* to the t3 server */
	EXCHANGE_AWAITING,   /* the head of its response */
	EXCHANGE_RELAYING,   /* the rest of it */
};

/* All of the worker (worker->exchanges). */
struct exchanges {
	struct request_ids ids;
	struct quota users; /* how many each user has under way to a t3 server */
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
	bool counted;           /* among the user's exchanges */
	bool retried;           /* on a fresh connection */
	struct request request; /* the last member, as its head is its last */
};

struct exchanges *exchanges_new(void);
void exchanges_free(struct exchanges *all); /* none may be in progress */
/* For clients_new. */
extern const struct client_owner exchange_client_owner;

/* What plugins do with it (request_services.c), in their turn or while it waits for them.  They have an effect once
 * the plugin's callback has returned, at once if none is running. */

/* NULL: it is over, or a plugin has decided about it already. */
struct exchange *exchange_find(const struct exchanges *all, t3ops_request_id id);
/* Whether plugins can still decide about it: it is not on its way to the t3 server. */
bool exchange_is_undecided(const struct exchange *x);
/* 0 or -EINVAL for a header that cannot be sent. */
int exchange_respond(struct exchange *x, int status, const char *const *headers, const void *body, size_t len);
int exchange_explain(struct exchange *x, const struct explanation *why);
void exchange_resume(struct exchange *x);
/* The client's connection becomes that WebSocket's. */
void exchange_take(struct exchange *x, struct t3ops_ws *ws);
/* What came after the head. */
struct span exchange_early_bytes(const struct exchange *x);

#endif
