/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: reads heads, keeps what came readahead them, queues what goes out, and closes so
 * that the last answer arrives.
 *
 *   READING -> (exchange) -> READING ... -> LINGERING -> (closed)
 */
#ifndef T3OPS_PROXY_CLIENT_H
#define T3OPS_PROXY_CLIENT_H

#include "net/deadline.h"
#include "proxy/proxy_state.h"

struct exchange;

struct client {
	LIST_ENTRY(client) link;
	struct proxy *proxy;
	struct ev_io rd, wr;
	struct deadline deadline;
	struct buf in;        /* a head, and what came with it */
	struct buf readahead; /* what came while the body of the exchange was read */
	struct buf out;
	size_t seen; /* of in, by http_head_scan */
	struct exchange *exchange;
	char peer[48];
	bool trusted;         /* the peer is a trusted proxy */
	bool counted;         /* among the peer's connections */
	bool half_closed;     /* it sends no more, but may still read */
	bool close_requested; /* its last request, all of which is here (RFC 9112 9.6) */
	bool closing;         /* once everything queued is out */
	bool lingering;
	double linger_until; /* loop time */
};

void client_new(struct proxy *f, int fd, const struct sockaddr *peer);
/* Closes at once. */
void client_free(struct client *c);
/* 0 or -errno; what the socket does not take is queued. */
int client_send(struct client *c, const void *bytes, size_t n);
/* The exchange is over, `used` bytes of in belonged to it: the next request, or the end. */
void client_next(struct client *c, size_t used, bool keep_alive);
/* Gives the descriptor away and forgets the client. */
int client_detach(struct client *c);
void client_deadline(struct client *c, uint64_t after_us);
/* Nothing is under way, and no request waits to be read: closing takes no answer from anybody. */
bool client_is_idle(const struct client *c);

#endif
