/* SPDX-License-Identifier: MIT */
/*
 * An exchange: one request and its answer.
 *
 *   GATE -> PLUGINS <-> WAITING          a plugin works on it
 *              |
 *              +--> CONNECTING -> AWAITING -> RELAYING -> (done)
 *              |         \____________|__ a stale pooled connection: once more, on a fresh one
 *              +--> ANSWERING -> (done)  t3ops answers itself
 *              +--> (taken)              a tunnel, or a plugin's WebSocket
 *
 * The request's body flows from CONNECTING on, whatever the answer does.  Every exchange ends in
 * exchange_end.  Proxy; one client has at most one.
 */
#ifndef T3OPS_PROXY_EXCHANGE_H
#define T3OPS_PROXY_EXCHANGE_H

#include "net/http_chunked.h"
#include "net/request_validation.h"
#include "users/users.h"
#include "proxy/origin.h"
#include "proxy/upstream.h"
#include "plugin.h"

struct client;

enum exchange_state {
	EXCHANGE_VALIDATING,
	EXCHANGE_PLUGINS,
	EXCHANGE_WAITING,
	EXCHANGE_CONNECTING,
	EXCHANGE_AWAITING,
	EXCHANGE_RELAYING,
	EXCHANGE_RESPONDING,
};

/* How much of a body is still to come. */
struct body {
	enum http_framing framing;
	uint64_t left;
	struct chunked chunked;
	bool done;
};

/* What a plugin wants changed: value NULL removes. */
struct header_edit {
	char *name, *value;
};
#define HEADER_EDITS_MAX 16

struct exchange {
	struct client *client;
	struct proxy *proxy;
	enum exchange_state state;
	t3ops_request_id id;
	uint64_t started_us;

	struct http_head head;                         /* spans into the client's input, which stays put meanwhile */
	size_t head_len, in_used;                      /* bytes of the client's input that are ours */
	char *cookie;                                  /* of a head with several Cookie lines: what stands in them */
	struct span path;                              /* of the target, without query and authority */
	bool websocket, keep_alive, has_user, counted; /* counted: among the user's requests */
	enum origin_verdict origin;                    /* of a WebSocket */
	struct user user;
	char identity[64]; /* as the trusted proxy says; "" if nobody is signed in */

	size_t next_plugin;
	bool in_plugin, answered, resumed, taken; /* what a callback did while it ran */
	struct header_edit edits[HEADER_EDITS_MAX];
	size_t n_edits;
	struct buf extra;          /* header lines that plugins add to the answer */
	bool sets_cookie;          /* one of them is a Set-Cookie */
	struct buf local_response; /* t3ops' own, complete */
	int local_status;
	struct t3ops_ws *ws; /* made by a plugin that takes the request over */

	struct upstream *up;
	size_t up_seen; /* of its input, by http_head_scan */
	bool retried, up_keep_alive;
	struct body request, response;
	int status;
	bool head_sent; /* of the answer: from here on there is no other one */
};

/* Takes a request whose head is the first head_len bytes of the client's input. */
void exchange_begin(struct client *c, size_t head_len);
/* A request that cannot even be read. */
void exchange_reject(struct client *c, enum reject_reason why);

/* The client's side. */
void exchange_client_readable(struct exchange *x); /* more of the body may be there */
void exchange_client_drained(struct exchange *x);  /* all that was queued for the client is out */
void exchange_client_gone(struct exchange *x);
void exchange_timeout(struct exchange *x);
bool exchange_wants_body(const struct exchange *x);

/* The plugins' side (chain.c). */
void exchange_forward(struct exchange *x); /* nobody answered: to the instance */
void exchange_respond(struct exchange *x); /* local_response is complete */
/* The client now belongs to a plugin's WebSocket: the exchange is over without an answer. */
void exchange_take(struct exchange *x);

/* A document navigation: somebody looks at what comes back. */
bool exchange_is_navigation(const struct exchange *x);

#endif
