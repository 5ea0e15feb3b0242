/* SPDX-License-Identifier: MIT */
/* What happens to the host; see host_look.h. */
#include "monitor/host_look.h"

#include <stdlib.h>

#include "diagnosis/host_news.h"
#include "ipc/message.h"
#include "monitor/host_pressure.h"
#include "sys/clock.h"

static struct clock_reading clocks_read(void)
{
	struct clock_reading r = {.mono_us = clock_mono_us(), .boot_us = clock_boot_us(), .wall_us = clock_wall_us()};

	r.took_us = clock_mono_us() - r.mono_us;
	return r;
}

/* A gap ended between the two readings, which says when as well as can be known. */
static int gap_report(struct monitor *m, struct diagnosis *d, enum host_event_kind kind, uint64_t length_us,
                      uint64_t from_us, uint64_t now_us)
{
	const struct host_event e = {.kind = kind, .from_us = from_us, .until_us = now_us, .length_us = length_us};

	if (length_us == 0)
		return 0;
	recorder_host(m->recorder, &e, now_us);
	return host_news_take(d, &e, now_us);
}

static int clocks_look(struct monitor *m, struct diagnosis *d)
{
	struct clock_reading before = m->clocks, now = clocks_read();
	struct clock_gap gap = clock_gap_between(&before, &now);
	int r = gap_report(m, d, HOST_SUSPENDED, gap.suspended_us, before.mono_us, now.mono_us);

	m->clocks = now;
	m->clock_jumped_us = gap.jumped_us;
	return r < 0 ? r
	             : gap_report(m, d, HOST_CLOCK_SET, (uint64_t)llabs(gap.jumped_us), before.mono_us, now.mono_us);
}

int host_look(struct monitor *m, struct diagnosis *d)
{
	struct pressure sample;
	int r = clocks_look(m, d), p;

	host_pressure_read("/proc", clock_mono_us(), &sample);
	sample.late_us = m->process->late_us;
	pressure_history_add(&m->pressure, m->journal, &sample, m->clocks.wall_us);
	recorder_sample(m->recorder, &sample, sample.mono_us);
	p = host_news_pressure(d, &sample);
	return r < 0 ? r : p;
}

void host_found_event(const struct host_event *found, struct event *e)
{
	static const enum event_kind kinds[] = {
	    [HOST_FROZEN] = EVENT_LOOP_LAG,          [HOST_SUSPENDED] = EVENT_MACHINE_SUSPENDED,
	    [HOST_CLOCK_SET] = EVENT_CLOCK_JUMPED,   [HOST_OOM_KILL] = EVENT_OOM_KILLED,
	    [HOST_STRAINED] = EVENT_MEMORY_STRAINED, [HOST_STARVED] = EVENT_CPU_STARVED,
	    [HOST_OVERLOADED] = EVENT_SERVERS_LATE,  [HOST_PROXY_GONE] = EVENT_PROCESS_EXITED,
	    [HOST_OFFLINE] = EVENT_NETWORK_LOST};

	event_init(e, kinds[found->kind], PROCESS_MONITOR);
	e->age_us = found->length_us;
	e->count = found->kills + found->servers;
}
