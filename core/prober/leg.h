/* SPDX-License-Identifier: MIT */
/*
 * The life of one leg (states: leg_state.h).
 *
 * While UP it is pinged every heartbeat.  A ping that is not answered is reported after `late`, once, and ends the
 * leg after `watchdog`.  A probe of the monitor is answered with exactly one event that carries its id: LEG_ALIVE,
 * LEG_LATE, LEG_DOWN, LEG_UP or LEG_ATTEMPT.
 *
 * A far end that closes with 1012 (service restart) is being replaced: nothing is reported yet.  If the next attempt
 * succeeds nothing broke; if it fails, the leg went down then.
 */
#ifndef T3OPS_PROBER_LEG_H
#define T3OPS_PROBER_LEG_H

#include "prober/leg_state.h"

/* A hash of what is configured of all legs of the section. */
uint64_t leg_section_hash(const struct plugin_section *section);
/* Begins with its first attempt, after so many seconds.  user: of a per-user leg, else NULL.  group: of its section,
 * borrowed; NULL: it is in none.  NULL without memory. */
struct t3ops_leg *leg_new(struct process *process, struct t3ops_instance *i, const struct user *user,
                          struct leg_group *group, double after_s);
/* reported: that it is gone goes to the monitor, and its metrics are hidden. */
void leg_free(struct t3ops_leg *leg, bool reported);
/* Whether it waits for an answer, so that it would be judged wrongly if the prober stood still. */
bool leg_asks(const struct t3ops_leg *leg);
/* The monitor asks what works now; since_us: only what was sent later counts. */
void leg_probe(struct t3ops_leg *leg, uint64_t id, uint64_t since_us);
/* A sign of life: something on its path works.  What waits for its back-off is tried again within a heartbeat of the
 * last try. */
void leg_retry(struct t3ops_leg *leg);

/* Whether its user never ran t3, in answer to MSG_ABSENT_ASK. */
void leg_set_absent(struct t3ops_leg *leg, bool absent);

/* What its plugin says; each is harmless in a state where it makes no sense. */
void leg_reach(struct t3ops_leg *leg, uint32_t step);
/* Over which of Cloudflare's locations it, or its fresh connection, was answered. */
void leg_locate(struct t3ops_leg *leg, const char *cf_ray);
void leg_establish(struct t3ops_leg *leg);
void leg_answer(struct t3ops_leg *leg, uint64_t rtt_us);
void leg_fail(struct t3ops_leg *leg, const struct t3ops_ws_end *end);

#endif
