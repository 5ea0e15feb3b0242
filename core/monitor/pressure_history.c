/* SPDX-License-Identifier: MIT */
/* Minutes of the host; see pressure_history.h. */
#include "monitor/pressure_history.h"

#define MINUTE_US UINT64_C(60000000)

static unsigned part_of(uint64_t before_us, uint64_t now_us, uint64_t length_us)
{
	uint64_t stalled_us = now_us > before_us ? now_us - before_us : 0;

	return (unsigned)(stalled_us >= length_us ? 10000 : stalled_us * 10000 / length_us);
}

void pressure_history_add(struct pressure_history *h, struct journal *j, const struct pressure *sample,
                          uint64_t wall_us)
{
	uint64_t minute = wall_us / MINUTE_US, length_us = sample->mono_us - h->first.mono_us;

	if (!sample->known || minute == h->minute)
		return;
	if (h->first.known && length_us > 0)
		journal_pressure(
		    j, &(struct journal_minute){.time_us = h->minute * MINUTE_US,
		                                .memory = part_of(h->first.memory_us, sample->memory_us, length_us),
		                                .io = part_of(h->first.io_us, sample->io_us, length_us),
		                                .cpu = part_of(h->first.cpu_us, sample->cpu_us, length_us)});
	h->first = *sample;
	h->minute = minute;
}
