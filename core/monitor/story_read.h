/* SPDX-License-Identifier: MIT */
/* Finds a verdict in the journal and reads the events around it: its story (story.h), without blocking.  Monitor
 * process. */
#ifndef T3OPS_MONITOR_STORY_READ_H
#define T3OPS_MONITOR_STORY_READ_H

#include <jansson.h>
#include <stdint.h>

#include "monitor/monitor_state.h"

struct story_ask {
	uint64_t id;      /* of the verdict; 0: the one that the rest asks for */
	const char *user; /* one that affected this user; "": any */
	uint64_t at_us;   /* that was there then, or nearest to it; 0: the last one */
	const void *owner;
	/* Once.  answer: {"story":story_make or null, "others":[{"id":,"verdict":}] of the same incident, "nearer":
	 * the same of a verdict on what all share that is nearer to at_us and not about the user, or null, "steps":
	 * of the user where there is no verdict}; taken.  NULL: why says so, or the owner is gone and it is NULL,
	 * too.
	 */
	void (*on_story)(void *arg, json_t *answer, const char *why);
	void *arg;
};

void story_read(struct monitor *d, const struct story_ask *ask);

#endif
