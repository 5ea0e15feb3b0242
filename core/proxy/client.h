/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: reads heads, keeps what came too early, queues what goes out, and closes so that the
 * last response arrives.  Whoever serves its requests is known to it as a table of callbacks only.  Proxy.
 *
 *   NEW --a byte--> READING --a head--> SERVING --client_next--> FLUSHING --all is out--> IDLE --a byte--> READING
 *                      |                                             \--it was the last--> LINGERING --> (freed)
 *                      '--none in time, or too large: rejected-------^
 */
#ifndef T3OPS_PROXY_CLIENT_H
#define T3OPS_PROXY_CLIENT_H

#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "net/deadline.h"
#include "net/request_validation.h"
#include "process/loop_turn.h"
#include "proxy/peer.h"
#include "sys/buf.h"

struct worker;
struct client;

enum client_state {
	CLIENT_NEW,       /* nothing came yet */
	CLIENT_IDLE,      /* between two requests */
	CLIENT_READING,   /* a head */
	CLIENT_SERVING,   /* its owner has the request */
	CLIENT_FLUSHING,  /* the response is complete, not all of it is out */
	CLIENT_LINGERING, /* our FIN is out; what still comes is dropped */
};

/* What the owner expects of the client while SERVING. */
enum client_body {
	CLIENT_BODY_NONE,   /* nothing: the next request, if one comes, waits in the kernel */
	CLIENT_BODY_PAUSED, /* the rest of a body, but not now */
	CLIENT_BODY_WANTED, /* it takes what comes */
};

/* Callbacks of whoever serves the requests. */
struct client_owner {
	/* A head, the first head_len bytes of c->in.  SERVING from here to client_next. */
	void (*request)(struct client *c, size_t head_len);
	/* What came is not a request: respond (client_send) and end it (client_next). */
	void (*rejected)(struct client *c, enum reject_reason why);
	/* While SERVING, with c->request. */
	void (*readable)(void *request); /* while a body is WANTED */
	void (*written)(void *request);  /* something that was queued went out; all of it if nothing is pending */
	void (*gone)(void *request);     /* the connection broke: end with client_close */
	void (*timed_out)(void *request);
};

/* What a PROXY header said of a connection; as plain bytes it moves along to the next proxy. */
struct client_name {
	bool proxied;                /* there was one */
	struct sockaddr_in6 address; /* whose connection it named, IPv4 mapped; of family 0: nobody's */
};

struct client {
	LIST_ENTRY(client) link;
	struct worker *worker;
	enum client_state state;
	struct ev_io rd, wr;
	struct turn_place place;
	struct deadline deadline;
	struct buf in;        /* a head, and what came with it */
	struct buf readahead; /* what came with the end of a body */
	struct buf out;
	size_t seen;   /* of in, by http_head_scan */
	void *request; /* the owner's; NULL: none */
	struct client_name name;
	struct peer peer;
	bool counted; /* among the peer's connections */
	enum client_body body;
	bool parked;              /* something came that nobody takes yet: it waits in the kernel */
	bool close_requested;     /* its last request, all of which is here (RFC 9112 9.6) */
	bool last;                /* FLUSHING: no request follows */
	uint64_t linger_until_us; /* CLOCK_MONOTONIC */
};

/* All clients of the worker (worker->clients).  NULL without memory.  owner: static. */
struct clients *clients_new(struct worker *worker, const struct client_owner *owner);
void clients_free(struct clients *all); /* none may be there */
size_t clients_count(const struct clients *all);
/* Gives those away that wait for a request, and of which nothing was read: give sends a copy of the descriptor, and
 * says how that went (0 or -errno); the first failure ends it and is returned. */
int clients_give_idle(struct clients *all, int (*give)(void *arg, int fd, const struct client_name *name), void *arg);
/* Those whose requests are served, in any order: give may end the client it is called for; it says how that went
 * (0 or -errno), and the first failure ends it and is returned. */
int clients_give_serving(struct clients *all, int (*give)(void *arg, void *request), void *arg);
/* Closes all; requests in progress end as if their client had gone. */
void clients_close_all(struct clients *all);

/* Takes the descriptor of one that has just come, and of which nothing was read. */
void client_new(struct clients *all, const struct arrival *a);
/* The same for one that another proxy has given away. */
void client_adopt(struct clients *all, int fd, const struct client_name *name);
/* One whose request is being served, SERVING from here on: `in` begins with what belongs to that request, out waits
 * to go there.  Its place is not denied.  NULL without memory: the descriptor stays the caller's. */
struct client *client_adopt_serving(struct clients *all, int fd, const struct client_name *name, struct span in,
                                    struct span out);
/* One behind a PROXY header, which was read; named at NULL: it named nobody. */
void client_new_named(struct clients *all, int fd, const struct sockaddr *named);
/* Closes at once. */
void client_close(struct client *c);
/* Gives the descriptor away and forgets the client. */
int client_detach(struct client *c);

/* Bytes of a body: their number, 0 at the end, -EAGAIN, or what broke it. */
ssize_t client_read(struct client *c, void *bytes, size_t size);
/* 0 or -errno; what the socket does not take is queued. */
int client_send(struct client *c, const void *bytes, size_t n);
/* Bytes that are queued. */
size_t client_pending(const struct client *c);
/* What the owner expects from now on. */
void client_expect_body(struct client *c, enum client_body body);
/* How long the owner waits from now on; 0: for ever. */
void client_deadline(struct client *c, uint64_t after_us);
/* The request is over, `used` bytes of in belonged to it: the next one, or the end. */
void client_next(struct client *c, size_t used, bool keep_alive);

#endif
