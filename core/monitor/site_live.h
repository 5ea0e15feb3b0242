/* SPDX-License-Identifier: MIT */
/* Pages that are open: told when there is news, over an EventSource, so that they load themselves anew.  Monitor
 * process. */
#ifndef T3OPS_MONITOR_SITE_LIVE_H
#define T3OPS_MONITOR_SITE_LIVE_H

#include <stdint.h>

#include "monitor/local_server.h"
#include "obs/event.h"

#define SITE_LIVE_MAX 32

/* Zeroed is ready. */
struct site_live {
	struct local_conn *conns[SITE_LIVE_MAX];
	bool news;          /* not told yet */
	uint64_t looked_us; /* when a word was last sent, so that no proxy takes them for dead */
};

/* Answers with an EventSource, which is held; false: there are too many. */
bool site_live_add(struct site_live *l, struct local_conn *c);
void site_live_forget(struct site_live *l, const struct local_conn *c);
/* Something happened. */
void site_live_event(struct site_live *l, const struct event *e);
bool site_live_any(const struct site_live *l);
/* Once a second: tells of it. */
void site_live_look(struct site_live *l, uint64_t now_us);

#endif
