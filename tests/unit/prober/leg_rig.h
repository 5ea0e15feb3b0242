/* SPDX-License-Identifier: MIT */
/*
 * One leg whose plugin does what the test says, and the events that come of it.  The host's part (callbacks, the
 * channel, the WebSocket) is played, too.
 */
#ifndef T3OPS_TESTS_PROBER_LEG_RIG_H
#define T3OPS_TESTS_PROBER_LEG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "prober/leg.h"

#define MS           1000
#define NEVER        1800000000 /* us */
#define EVENTS_MAX   16
#define PROBE        77 /* its id */
#define CODE_RESTART 1012

struct reported {
	struct event e;
	bool quiet;
};

struct timing {
	uint64_t heartbeat, watchdog, late, reconnect, ping_timeout; /* us */
};

extern const struct timing calm, brisk;

extern struct reported reported[EVENTS_MAX];
extern int n_reported, n_read;            /* so many events came; so many were expected so far */
extern int opens, pings, closes, freshes; /* how often the plugin was called */
extern uint64_t fresh_every;              /* the option, for the next leg_make */
extern bool thorough;                     /* what leg_fresh was told last */
extern bool fails_inside;                 /* leg_open calls leg_down before it returns */
extern bool acknowledges;                 /* its next hop, as the kernel would know it */
extern struct process process;
extern struct t3ops_instance instance;
extern struct t3ops_host host;
extern struct t3ops_leg *leg; /* that is under test */

int leg_rig_setup(void **state);
int leg_rig_teardown(void **state);

/* A leg whose first attempt has begun.  user: of a per-user leg, else NULL. */
struct t3ops_leg *leg_make(struct timing t, const struct user *user);
/* Frees it; each event must have been expected. */
void leg_done(void);

/* What the plugin says. */
void up(void);
void down(unsigned step, unsigned reason, int code);
void pong(void);
void fresh_up(void);
void fresh_down(unsigned step, unsigned reason, int code);

/* The monitor asks. */
void probe(uint64_t since_us);

/* Runs the loop until the counter is there. */
void until(const int *counter, int n);
void let_pass(double seconds);
/* The next event, which must be this one; waits for it. */
const struct event *expect(enum event_kind kind, unsigned step, unsigned reason, uint64_t id);
/* Whether the page of metrics has that text. */
void shown(const char *line, bool is);

#endif
