/* SPDX-License-Identifier: MIT */
/* Steps and their counts; see delay_sketch.h. */
#include "monitor/delay_sketch.h"

#define FIRST_US 250
#define LEAST    20
#define MOST     2000

/* The upper end of a step: every second one doubles. */
static uint64_t end_us(unsigned step)
{
	uint64_t whole = (uint64_t)FIRST_US << (step / 2);

	return step % 2 == 0 ? whole : whole * 1414 / 1000;
}

static unsigned total_of(const struct delay_sketch *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DELAY_STEPS; i++)
		n += s->counts[i];
	return n;
}

void delay_sketch_add(struct delay_sketch *s, uint64_t delay_us)
{
	unsigned step = 0;

	while (step < DELAY_STEPS - 1 && delay_us > end_us(step))
		step++;
	s->counts[step]++;
	if (total_of(s) < MOST)
		return;
	for (unsigned i = 0; i < DELAY_STEPS; i++)
		s->counts[i] /= 2;
}

uint64_t delay_sketch_p99_us(const struct delay_sketch *s)
{
	unsigned total = total_of(s), above = 0;

	if (total < LEAST)
		return 0;
	for (unsigned step = DELAY_STEPS; step-- > 0;) {
		above += s->counts[step];
		if (above * 100 > total)
			return end_us(step);
	}
	return end_us(0);
}
