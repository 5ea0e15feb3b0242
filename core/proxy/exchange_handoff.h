/* SPDX-License-Identifier: MIT */
/*
 * A response in progress that moves to another proxy: two descriptors, how the response is delimited and what is
 * known of its request as a plain struct, and pending bytes.  It can once its head has gone to the client and its
 * request is all sent; not while chunks are taken apart for a client of HTTP/1.0, nor after an upgrade that the t3
 * server refused, which is read to its own end.  What plugins wanted is done by then.  Proxy.
 */
#ifndef T3OPS_PROXY_EXCHANGE_HANDOFF_H
#define T3OPS_PROXY_EXCHANGE_HANDOFF_H

#include <netinet/in.h>

#include "ipc/tunnel_table.h"
#include "proxy/exchange_state.h"

/* What follows it: a summary of the request (request_summarize), what came early of the client's next one, and what
 * waits to go to the client. */
struct exchange_record {
	char kind; /* HANDOFF_EXCHANGE */
	char user[T3OPS_USER_NAME_SIZE], identity[T3OPS_USER_NAME_SIZE], address[FORWARDED_ADDRESS_SIZE];
	uint8_t proxied; /* and name: of struct client_name */
	uint8_t keep_alive, close_requested;
	uint8_t framing; /* enum http_framing */
	uint16_t status;
	struct sockaddr_in6 name;
	uint64_t left; /* of HTTP_BODY_LENGTH */
	struct chunked chunked;
	uint64_t started_us, first_byte_us, bytes_up, bytes_down;
	uint32_t summary_len, early_len, pending_len;
};

#define EXCHANGE_HANDOFF_MAX (sizeof(struct exchange_record) + REQUEST_SUMMARY_MAX + 2 * TUNNEL_PENDING_MAX)

/* Packs it; the number of bytes, 0: it cannot move, or has too much pending now.  fds: client's, t3 server's; they
 * stay the exchange's. */
size_t exchange_handoff_pack(const struct exchange *x, char *out, size_t size, int fds[2]);
/* It lives elsewhere now: forgets it and its client, without a word to anybody. */
void exchange_given(struct exchange *x);
/* Goes on with one that was packed; takes the descriptors. */
void exchange_adopt(struct worker *worker, const char *bytes, size_t n, const int fds[2]);
/* A record came, but what it is about cannot go on here: it is reported as cut. */
void exchange_lose(struct worker *worker, const char *bytes, size_t n, const char *why);

#endif
