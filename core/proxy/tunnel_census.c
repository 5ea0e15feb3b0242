/* SPDX-License-Identifier: MIT */
/* The users of this proxy; see tunnel_census.h. */
#include "proxy/tunnel_census.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/tunnel_state.h"
#include "proxy/worker.h"

static int by_user(const void *a, const void *b)
{
	return strcmp((*(struct tunnel *const *)a)->user, (*(struct tunnel *const *)b)->user);
}

/* How long the last answer to a heartbeat took, or one has waited that is not answered yet. */
static uint64_t delay_us(const struct tunnel *t, uint64_t now_us)
{
	const struct heartbeat *h = &t->page.heartbeat;
	uint64_t waiting_us = heartbeat_waiting_us(h, now_us);

	return waiting_us > h->slow_us ? waiting_us : h->slow_us;
}

/* What came since the last census. */
static uint64_t uncounted_take(struct tunnel_side *side)
{
	uint64_t n = side->bytes - side->counted;

	side->counted = side->bytes;
	return n;
}

/* n tunnels of one user. */
static void user_report(struct worker *worker, struct tunnel *const *tunnels, size_t n)
{
	uint64_t now = clock_mono_us();
	struct event e;

	event_init(&e, EVENT_TUNNEL_CENSUS, PROCESS_PROXY);
	event_set(e.user, tunnels[0]->user);
	e.count = n;
	for (size_t i = 0; i < n; i++) {
		uint64_t age_us = now - tunnels[i]->opened_us, late_us = delay_us(tunnels[i], now);

		e.age_us = age_us > e.age_us ? age_us : e.age_us;
		e.bytes_up += uncounted_take(&tunnels[i]->client);
		e.bytes_down += uncounted_take(&tunnels[i]->upstream);
		e.rtt_us = late_us > e.rtt_us ? late_us : e.rtt_us;
	}
	process_emit_quietly(worker->process, &e);
}

void tunnel_census(struct worker *worker)
{
	struct tunnel **found = calloc(worker->tunnels->n + 1, sizeof *found), *t;
	size_t n = 0, of_user;

	if (!found)
		return; /* the operator sees what was there before, for a moment */
	LIST_FOREACH (t, &worker->tunnels->list, link)
		if (!tunnel_has_ended(t))
			found[n++] = t;
	qsort(found, n, sizeof *found, by_user);
	for (size_t i = 0; i < n; i += of_user) {
		for (of_user = 1; i + of_user < n && by_user(&found[i], &found[i + of_user]) == 0;)
			of_user++;
		user_report(worker, &found[i], of_user);
	}
	free(found);
}
