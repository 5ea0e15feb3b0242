/* SPDX-License-Identifier: MIT */
/* What happened to legs: their records follow, and what broke joins the incident. */
#ifndef T3OPS_DIAGNOSIS_LEG_NEWS_H
#define T3OPS_DIAGNOSIS_LEG_NEWS_H

#include "diagnosis/diagnosis_state.h"

/* What happened to a leg. */
struct leg_report {
	enum leg_input_kind kind; /* up to LEG_TRACED */
	const char *name, *user;
	const char *colo; /* over which it went; "": not known */
	uint16_t step, reason, code;
	uint64_t wall_us, mono_us; /* when; mono_us 0: now */
	uint64_t waited_us;        /* as in leg_input */
	uint64_t target;           /* as in leg_input */
	bool was_up, makes_fresh;  /* as in leg_input */
	uint64_t age_us;           /* ALIVE, ATTEMPT: for how long it has been up, or down; 0: not said */
};

/* Takes one report: 0, or -ENOMEM: it is lost as evidence. */
int leg_news_take(struct diagnosis *d, const struct leg_report *r, uint64_t now_us);
int leg_news_gone(struct diagnosis *d, const char *name, const char *user);
/* The prober was replaced or is gone: nothing is known of the old one's connections. */
void leg_news_prober_replaced(struct diagnosis *d, uint64_t wall_us, uint64_t now_us);

#endif
