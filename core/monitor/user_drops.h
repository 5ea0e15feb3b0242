/* SPDX-License-Identifier: MIT */
/* Drops of one user that no verdict is about: of the journal's events, and of the verdicts that are.  Pure. */
#ifndef T3OPS_MONITOR_USER_DROPS_H
#define T3OPS_MONITOR_USER_DROPS_H

#include <jansson.h>
#include <stdint.h>

/* What happened, in any order. */
struct user_event {
	uint64_t time_us;
	enum user_event_kind {
		USER_DROPPED,
		USER_BACK,
		USER_LEG_DOWN
	} kind;         /* LEG_DOWN: a leg that the user's path shares */
	char text[200]; /* of a drop: what its page experienced */
};

/* Sorts the events.  New reference, newest first: [{"time":, "seconds": until the user was back, or null,
 * "legs_failed": around the moment, "text":}]; several WebSockets that broke together are one drop.  verdicts: about
 * the user (verdicts_since.h). */
json_t *user_drops_make(struct user_event *events, size_t n, const json_t *verdicts);

/* Of verdicts about so many users that not all are named, takes out those that neither name this one nor had one of
 * the user's connections break. */
void user_drops_filter(json_t *verdicts, const char *user, const struct user_event *events, size_t n);

#endif
