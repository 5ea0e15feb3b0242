/* SPDX-License-Identifier: MIT */
/* What is sent in one go; see bursts.h. */
#include "net/bursts.h"

void bursts_add(struct bursts *b, size_t n, uint64_t now_us)
{
	if (now_us - b->began_us > BURST_US) {
		b->goes_on = b->bytes == BURST_LARGE && now_us - b->began_us <= 2 * BURST_US;
		b->began_us = now_us;
		b->bytes = 0;
	}
	b->bytes = n < BURST_LARGE - b->bytes ? b->bytes + (uint32_t)n : BURST_LARGE;
	if (b->bytes == BURST_LARGE && !b->goes_on)
		b->large_us = b->began_us;
}
