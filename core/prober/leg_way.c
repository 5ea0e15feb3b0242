/* SPDX-License-Identifier: MIT */
/* How much longer than at best each way took; see leg_way.h. */
#include "prober/leg_way.h"

#include <string.h>

#define WINDOW_US UINT64_C(60000000)

/* A new minute, or so many since that none is known any more. */
static void window_turn(struct leg_way *w, const int64_t length[WAYS], uint64_t now_us)
{
	if (w->began_us != 0 && now_us < w->began_us + WINDOW_US)
		return;
	memcpy(w->before, w->began_us != 0 && now_us < w->began_us + 2 * WINDOW_US ? w->now : length,
	       sizeof w->before);
	memcpy(w->now, length, sizeof w->now);
	w->began_us = now_us;
}

static int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void leg_way_take(struct leg_way *w, const struct leg_stamps *s, uint64_t out[WAYS])
{
	const int64_t length[WAYS] = {[WAY_OUT] = (int64_t)(s->received_us - s->sent_us),
	                              [WAY_BACK] = (int64_t)(s->returned_us - s->answered_us)};

	window_turn(w, length, s->returned_us);
	for (int i = 0; i < WAYS; i++) {
		w->now[i] = lesser(w->now[i], length[i]);
		out[i] = (uint64_t)(length[i] - lesser(w->now[i], w->before[i]));
	}
}
