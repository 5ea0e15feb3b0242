/* SPDX-License-Identifier: MIT */
/*
 * Those who wait for the metrics page.  It is made a step at a time, so that the monitor's loop never waits for it,
 * and once for all who ask meanwhile.  Monitor process.
 */
#ifndef T3OPS_MONITOR_METRICS_PAGE_H
#define T3OPS_MONITOR_METRICS_PAGE_H

#include <ev.h>
#include <stddef.h>

#include "monitor/local_server.h"
#include "obs/metrics.h"

struct metrics_page;

/* Gives the whole text, borrowed; NULL: there is no memory for it. */
typedef void metrics_page_answer(struct local_conn *c, struct shared_text *text);

/* m and vantage (metrics_render.h) are borrowed.  NULL without memory. */
struct metrics_page *metrics_page_new(struct ev_loop *loop, const struct metrics *m, const char *vantage);
void metrics_page_free(struct metrics_page *p);

/* Holds the connection until it is answered. */
void metrics_page_ask(struct metrics_page *p, struct local_conn *c, metrics_page_answer *answer);
/* The connection is gone. */
void metrics_page_forget(struct metrics_page *p, const struct local_conn *c);
/* The monitor leaves: whoever waits, or asks from now on, is answered at once. */
void metrics_page_hurry(struct metrics_page *p);

#endif
