/* SPDX-License-Identifier: MIT */
/* Gaps of clocks; see clock_gap.h. */
#include "diagnosis/clock_gap.h"

#define SLOWEST_READING_US 50000

static int64_t ahead(uint64_t a_us, uint64_t b_us)
{
	return (int64_t)(a_us - b_us);
}

struct clock_gap clock_gap_between(const struct clock_reading *before, const struct clock_reading *now)
{
	struct clock_gap gap = {.suspended_us = 0};
	int64_t slept;

	if (before->mono_us == 0 || before->took_us > SLOWEST_READING_US || now->took_us > SLOWEST_READING_US)
		return gap;
	slept = ahead(now->boot_us, now->mono_us) - ahead(before->boot_us, before->mono_us);
	gap.suspended_us = slept > 0 ? (uint64_t)slept : 0;
	gap.jumped_us = ahead(now->wall_us, now->boot_us) - ahead(before->wall_us, before->boot_us);
	return gap;
}
