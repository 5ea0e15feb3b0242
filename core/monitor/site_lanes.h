/* SPDX-License-Identifier: MIT */
/* The lanes of the page's timeline that are made of events: when each leg was up, late or down, and when each user
 * was connected or dropped.  Pure. */
#ifndef T3OPS_MONITOR_SITE_LANES_H
#define T3OPS_MONITOR_SITE_LANES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum site_span_kind { SITE_UP, SITE_LATE, SITE_DOWN, SITE_CONNECTED, SITE_DROP };

struct site_span {
	uint64_t from_us, until_us; /* of a drop: both the same */
	enum site_span_kind kind;
};

struct site_lane {
	char *name;
	struct site_span *spans; /* in order of time */
	size_t n, room;
	bool is_open; /* a span has begun */
	struct site_span open;
	json_t *tunnels; /* of a user: numbers of those that are open */
};

struct site_lanes {
	struct site_lane *rows;
	size_t n, room;
	uint64_t from_us, until_us; /* what the page shows; events outside of it are not to be given */
	bool drops_only;            /* of users nothing else is given */
};

/* What happened to one leg or user. */
struct site_event {
	uint64_t time_us, tunnel;
	const char *kind; /* of an event of the journal */
	char name[400];
};

void site_lanes_fini(struct site_lanes *l);
/* In order of time; without memory it is left out. */
void site_lanes_leg(struct site_lanes *l, const struct site_event *e);
void site_lanes_user(struct site_lanes *l, const struct site_event *e);
/* How it is now: a span that is open goes on until the end, or did all the time. */
void site_lanes_leg_now(struct site_lanes *l, const char *name, enum site_span_kind kind, uint64_t since_us);
void site_lanes_user_now(struct site_lanes *l, const char *name, uint64_t since_us);
/* After the last of all that: by name. */
void site_lanes_end(struct site_lanes *l);

#endif
