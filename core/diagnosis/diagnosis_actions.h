/* SPDX-License-Identifier: MIT */
/* What a diagnosis asks of whoever runs it. */
#ifndef T3OPS_DIAGNOSIS_DIAGNOSIS_ACTIONS_H
#define T3OPS_DIAGNOSIS_DIAGNOSIS_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/browsers.h"
#include "diagnosis/classify_input.h"
#include "diagnosis/slow_paths.h"

struct diagnosis;

struct diagnosis_actions {
	/* Ask every leg and tunnel what works now; since_us: when the drop began that is asked about.  user: ask the
	 * legs of this one before others'; NULL: everything. */
	void (*probe)(void *arg, uint64_t incident, uint64_t since_us, const char *user);
	/* A page lost its tunnel; late: its end had seemed ordinary, and what came next says that it was none. */
	void (*dropped)(void *arg, const struct drop *drop, bool late);
	/* A verdict, or a revision of one.  b and all it points to is borrowed until it returns. */
	void (*verdict)(void *arg, const struct verdict_basis *b);
	/* A verdict has ended: healed or expired. */
	void (*ended)(void *arg, const struct verdict *v);
	/* Something is slow, or no more; convicts nobody. */
	void (*slow)(void *arg, const struct slow_report *r);
	/* A leg met a login page. */
	void (*walled_off)(void *arg, const char *leg);
	/* Something happened to the host; of what was reported, all but frozen processes. */
	void (*host)(void *arg, const struct host_event *e);
	/* Something new is known of a user's browser: for diagnosis_recall_browser. */
	void (*browser)(void *arg, const struct browser *b);
	/* A fresh look at the host before a classification: to report what is new with host_news_pressure and
	 * host_news_take. */
	void (*look)(void *arg, struct diagnosis *d);
};

#endif
