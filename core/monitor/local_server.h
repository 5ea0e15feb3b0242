/* SPDX-License-Identifier: MIT */
/*
 * A small server for the monitor's own listeners: connections with one input buffer and one output buffer,
 * a cap on their number, a limit on unread input, a deadline.  Knows no protocol.  Monitor process.
 */
#ifndef T3OPS_MONITOR_LOCAL_SERVER_H
#define T3OPS_MONITOR_LOCAL_SERVER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "monitor/shared_text.h"

struct local_server;
struct local_conn;

struct local_rules {
	/* Whether a connection is taken; else it is closed.  May be NULL: every one is. */
	bool (*on_accept)(int fd, void *arg);
	/* All input that is there; returns how much of it was used.  The connection stays valid until it
	 * returns; after local_finish it is not called again. */
	size_t (*on_input)(struct local_conn *c, const char *bytes, size_t n, void *arg);
	/* The connection is gone; may be NULL. */
	void (*on_end)(struct local_conn *c, void *arg);
	/* Told of a connection that gave way to one more.  NULL: that one is closed at once instead. */
	void (*on_evict)(const char *peer, void *arg);
	size_t max_connections;
	size_t max_input;  /* unused bytes beyond this end the connection */
	size_t max_output; /* more unsent bytes, when there is more to send, end it, too; one answer may be larger */
	double deadline_s; /* from the last use of input; not while the connection is held */
};

/* Accepts on fd, which stays the caller's.  rules is borrowed.  NULL without memory. */
struct local_server *local_server_new(struct ev_loop *loop, int fd, const struct local_rules *rules, void *arg);
void local_server_free(
    struct local_server *s); /* answers who has just connected, sends what it can at once, ends every connection */

/* Its address; "" of a Unix socket. */
const char *local_peer(const struct local_conn *c);
void local_send(struct local_conn *c, const void *bytes, size_t n);
/* The same of a long text, which the connection holds until it is sent. */
void local_send_text(struct local_conn *c, struct shared_text *text);
/* Ends the connection as soon as its output is sent. */
void local_finish(struct local_conn *c);
/* Held: an answer is awaited, the deadline rests. */
void local_hold(struct local_conn *c, bool held);

#endif
