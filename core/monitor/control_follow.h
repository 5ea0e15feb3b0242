/* SPDX-License-Identifier: MIT */
/* Those on the control socket to whom news are reported as they come.  Monitor process. */
#ifndef T3OPS_MONITOR_CONTROL_FOLLOW_H
#define T3OPS_MONITOR_CONTROL_FOLLOW_H

#include <jansson.h>
#include <stdbool.h>

#include "monitor/local_server.h"
#include "obs/event.h"

#define CONTROL_FOLLOWERS_MAX 32 /* as many as connections */

struct follower {
	struct local_conn *conn; /* NULL: free */
	bool events;             /* these, else verdicts */
	bool words;              /* neither, but in words what matters to people */
	enum event_kind kind;    /* of events; EVENT_KINDS: all that are journalled */
};

/* Zeroed is ready. */
struct followers {
	struct follower rows[CONTROL_FOLLOWERS_MAX];
};

/* Reports to it from now on; its connection is held. */
void followers_add(struct followers *f, struct follower who);
/* The connection is gone. */
void followers_forget(struct followers *f, const struct local_conn *c);
void followers_verdict(const struct followers *f, const json_t *verdict);
void followers_event(const struct followers *f, const struct event *e);

#endif
