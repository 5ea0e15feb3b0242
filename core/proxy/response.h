/* SPDX-License-Identifier: MIT */
/*
 * The t3 server's response on its way to the client: heads first (interim ones, then the final one), then the
 * body.  It reads and passes on; what becomes of the exchange is decided by whoever calls.  Proxy.
 */
#ifndef T3OPS_PROXY_RESPONSE_H
#define T3OPS_PROXY_RESPONSE_H

#include "proxy/body.h"
#include "proxy/client.h"
#include "proxy/request.h"
#include "proxy/upstream.h"

enum response_result {
	RESPONSE_MORE,         /* there is more to come, or to wait for */
	RESPONSE_DONE,         /* it is complete */
	RESPONSE_LOST,         /* the t3 server's side ended it too early, or broke the protocol: error says how */
	RESPONSE_CLIENT_GONE,  /* the client's side broke */
	RESPONSE_UNAUTHORIZED, /* a 401 that is held back: nothing of it was passed on; response_resume does so */
	RESPONSE_UPGRADED,     /* a 101: the connection is a WebSocket now; its head is queued for the client */
};

/* One response; zeroed, with its members up to keep_alive set, is ready. */
struct response {
	struct worker *worker;
	const struct request *request;
	struct client *client;
	struct upstream *up;
	bool keep_alive;         /* whether the client's connection may go on after it */
	bool holds_unauthorized; /* a 401 is held back, once */

	size_t seen; /* of the upstream's input, by http_head_scan */
	struct body body;
	int status;
	int error;                     /* of LOST; negative errno */
	bool head_sent;                /* from here on there is no other response */
	bool reusable;                 /* the upstream's connection may go on after it */
	uint64_t bytes, first_byte_us; /* sent to the client, its head included; from the request to the head */
	bool unchunks; /* the client of HTTP/1.0 gets what the chunks hold, up to the end of the connection */
	bool streams;  /* nobody knows how long it is: it may be silent for long */
};

/* The upstream is readable, or has input that waited. */
enum response_result response_read(struct response *r);
/* Goes on with input that waited until everything queued for the client was out. */
enum response_result response_resume(struct response *r);

#endif
