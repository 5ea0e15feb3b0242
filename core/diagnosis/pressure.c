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

void pressure_before(const struct pressure_ring *r, uint64_t at_us, struct pressure *out)
{
	*out = (struct pressure){.known = false};
	for (size_t i = 0; i < r->n; i++) {
		*out = *nth_newest(r, i);
		if (out->mono_us < at_us)
			return;
	}
}

static double share(uint64_t from, uint64_t to, uint64_t span_us)
{
	return to > from ? (double)(to - from) / (double)span_us : 0;
}

void pressure_window(const struct pressure *before, const struct pressure_ring *r, struct host_pressure *out)
{
	const struct pressure *last = nth_newest(r, 0);
	uint64_t span;

	*out = (struct host_pressure){.known = false};
	if (!before->known || r->n == 0 || before->mono_us >= last->mono_us)
		return;
	span = last->mono_us - before->mono_us;
	out->known = true;
	out->memory = share(before->memory_us, last->memory_us, span);
	out->io = share(before->io_us, last->io_us, span);
	out->cpu = share(before->cpu_us, last->cpu_us, span);
	out->oom_kills = last->oom_kills > before->oom_kills ? last->oom_kills - before->oom_kills : 0;
}
