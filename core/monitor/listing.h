/* SPDX-License-Identifier: MIT */
/*
 * Long lists for those who wait for them: the legs, and the users.  There may be tens of thousands of rows, so that a
 * list is made some at a time, each slice a piece of the loop's queued work (process/loop_turn.h).  What it shows is
 * how things were when it began.  Monitor process.
 */
#ifndef T3OPS_MONITOR_LISTING_H
#define T3OPS_MONITOR_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "monitor/monitor_state.h"

enum listing_of { LISTING_LEGS, LISTING_USERS };

struct listing_ask {
	enum listing_of of;
	json_t *before, *after; /* taken: two objects, which with the list as `key` between them are one; NULL: the
	                         * list alone */
	const char *key;
	bool one_line;  /* instead of a row a line */
	bool head_only; /* for the answer */
	struct local_conn *conn;
	/* The whole text, borrowed; NULL: there is no memory for it. */
	void (*answer)(const struct listing_ask *ask, struct shared_text *text);
};

struct listings;

/* NULL without memory. */
struct listings *listings_new(struct monitor *d);
/* Nobody waits any more. */
void listings_free(struct listings *all);

/* Holds the connection until it is answered. */
void listing_begin(struct listings *all, const struct listing_ask *ask);
/* The connection is gone. */
void listings_forget(struct listings *all, const struct local_conn *c);
/* The diagnosis is about to be another one, or the monitor leaves: whoever waits is answered at once; with leaves,
 * whoever asks from now on as well. */
void listings_hurry(struct listings *all, bool leaves);

#endif
