/* SPDX-License-Identifier: MIT */
/* Slow heartbeats; see slow.h. */
#include "diagnosis/slow.h"

#define WINDOW_MASK ((1u << SLOW_WINDOW) - 1)

static bool is_slow(const struct slow *s, uint64_t rtt_us)
{
	return rtt_us >= SLOW_MIN_US && rtt_us >= SLOW_FACTOR * s->usual_us;
}

/* Follows slowly, so that a brown-out does not become the usual. */
static void usual_follow(struct slow *s, uint64_t rtt_us)
{
	s->usual_us = s->usual_us == 0 ? rtt_us : s->usual_us - s->usual_us / 8 + rtt_us / 8;
}

static bool state_set(struct slow *s, bool is)
{
	bool was = s->is;

	s->is = is;
	return was != is;
}

bool slow_beat(struct slow *s, uint64_t rtt_us)
{
	bool slow = is_slow(s, rtt_us);
	int count;

	s->latest_us = rtt_us;
	s->beats = (uint8_t)(((unsigned)s->beats << 1 | slow) & WINDOW_MASK);
	if (!slow)
		usual_follow(s, rtt_us);
	count = __builtin_popcount(s->beats);
	return state_set(s, s->is ? count > SLOW_LEAVE : count >= SLOW_ENTER);
}

bool slow_stop(struct slow *s)
{
	s->beats = 0;
	return state_set(s, false);
}
