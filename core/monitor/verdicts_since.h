/* SPDX-License-Identifier: MIT */
/* The verdicts of a time, one row each: those of the journal, and those that stand as they are now.  Does not block.
 * Monitor process. */
#ifndef T3OPS_MONITOR_VERDICTS_SINCE_H
#define T3OPS_MONITOR_VERDICTS_SINCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/monitor_state.h"

struct verdicts_ask {
	uint64_t since_us, until_us; /* since 1970; until_us 0: now */
	const char *user, *segment;  /* that it is about; "": any */
	bool unnamed;                /* also those that are about more users than they name */
	size_t limit;                /* 0: LIST_MAX */
	const void *owner;
	/* Once: a new reference, newest first, each with the members of verdict_span_add; taken.  NULL: the journal
	 * cannot be read, or the owner is gone. */
	void (*on_verdicts)(void *arg, json_t *verdicts, bool gone);
	void *arg;
};

void verdicts_since(struct monitor *d, const struct verdicts_ask *ask);

#endif
