/* SPDX-License-Identifier: MIT */
/*
 * One connection.
 *
 *   HTTP --upgrade--> WEBSOCKET
 *   HTTP --upgrade without a session--> REFUSED (answered, FIN sent, waiting for the client's)
 *   HTTP --request in the dead window--> HUNG (never answered, never closed)
 */
#ifndef T3STUB_CONN_H
#define T3STUB_CONN_H

#include "lab/t3/request.h"
#include "lab/t3/server.h"

enum conn_state { CONN_HTTP, CONN_WEBSOCKET, CONN_REFUSED, CONN_HUNG };

struct buffer {
	char *data;
	size_t len, size;
};

struct deflater;

/* Chunks that a subscription sends. */
struct subscription {
	ev_timer timer;
	char id[64]; /* the request's, as JSON */
	size_t chunk_bytes;
	long left;
};

struct conn {
	struct server *server;
	struct conn *next, *prev;
	ev_io reader, writer;
	ev_timer idle;
	enum conn_state state;
	struct buffer in, out;
	struct buffer message;     /* WebSocket: the fragments so far */
	bool message_deflated;     /* and whether they are compressed */
	struct deflater *deflater; /* NULL: permessage-deflate is not in use */
	struct subscription subscription;
	bool closing;   /* close when out is empty */
	bool continued; /* 100 Continue was sent for the request at the head of `in` */
	bool guarded;   /* came over the Unix socket: its errors end nobody */
	bool left;      /* the client left before the end; counted */
	bool gone;      /* freed when the callback that runs is over */
};

/* Takes over an accepted descriptor. */
struct conn *conn_new(struct server *s, int fd, bool guarded);
void conn_free(struct conn *c);
/* Queues bytes and sends what the socket takes. */
void conn_send(struct conn *c, const void *data, size_t len);
/* Closes once everything queued is sent. */
void conn_close_after(struct conn *c);
/* The upgrade was answered with a refusal: sends FIN and reads to the client's own end. */
void conn_refused(struct conn *c);
/* Reads what is in the buffer as what the connection is now. */
void conn_feed(struct conn *c);
/* Whether the client has ended its side already. */
bool conn_peer_ended(const struct conn *c);

void buffer_add(struct buffer *b, const void *data, size_t len);
void buffer_drop(struct buffer *b, size_t len);

#endif
