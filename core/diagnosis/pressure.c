/* SPDX-License-Identifier: MIT */
/* The ring of samples and its windows; see pressure.h. */
#include "diagnosis/pressure.h"

void pressure_add(struct pressure_ring *r, const struct pressure *p)
{
	if (!p->known)
		return;
	r->rows[r->next] = *p;
	r->next = (r->next + 1) % PRESSURE_SAMPLES;
	r->n += r->n < PRESSURE_SAMPLES;
}

static const struct pressure *nth_newest(const struct pressure_ring *r, size_t n)
{
	return &r->rows[(r->next + PRESSURE_SAMPLES - 1 - n) % PRESSURE_SAMPLES];
}

static double share(uint64_t from, uint64_t to, uint64_t span_us)
{
	return to > from ? (double)(to - from) / (double)span_us : 0;
}

void pressure_window(const struct pressure_ring *r, uint64_t from_us, struct host_pressure *out)
{
	const struct pressure *last, *base;
	uint64_t span;

	*out = (struct host_pressure){.known = false};
	if (r->n < 2)
		return;
	last = nth_newest(r, 0);
	base = last;
	for (size_t i = 1; i < r->n && base->mono_us >= from_us; i++)
		base = nth_newest(r, i);
	if (base->mono_us >= last->mono_us)
		return;
	span = last->mono_us - base->mono_us;
	out->known = true;
	out->memory = share(base->memory_us, last->memory_us, span);
	out->io = share(base->io_us, last->io_us, span);
	out->cpu = share(base->cpu_us, last->cpu_us, span);
	out->oom_kills = last->oom_kills > base->oom_kills ? last->oom_kills - base->oom_kills : 0;
}
