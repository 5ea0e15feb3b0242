/* SPDX-License-Identifier: MIT */
/* From events to reports; see event_report.h. */
#include "monitor/event_report.h"

#include "ipc/message.h"

static int leg_report(struct diagnosis *d, enum leg_input_kind kind, const struct event *e, uint64_t now_us)
{
	struct leg_report r = {.kind = kind,
	                       .name = e->plugin,
	                       .user = e->user,
	                       .step = e->step,
	                       .reason = e->reason,
	                       .code = e->code,
	                       .wall_us = e->time_us,
	                       .mono_us = e->mono_us,
	                       .rtt_us = e->rtt_us,
	                       .probe_id = e->id};

	return diagnosis_leg(d, &r, now_us);
}

static int drop_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct drop_report r = {.user = e->user,
	                        .address = e->address,
	                        .colo = e->colo,
	                        .reason = e->reason,
	                        .code = e->code,
	                        .wall_us = e->time_us,
	                        .mono_us = e->mono_us,
	                        .age_us = e->age_us,
	                        .idle_client_us = e->idle_client_us,
	                        .idle_upstream_us = e->idle_upstream_us};

	return diagnosis_drop(d, &r, now_us);
}

static int open_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct open_report r = {.user = e->user, .address = e->address, .colo = e->colo};

	return diagnosis_open(d, &r, now_us);
}

static int live_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct live_report r = {.user = e->user,
	                        .probe_id = e->id,
	                        .mono_us = e->mono_us,
	                        .idle_upstream_us = e->idle_upstream_us,
	                        .carried_down = e->bytes_down > 0};

	return diagnosis_live(d, &r, now_us);
}

/* A frozen process that measures makes everything look dead. */
static int freeze_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct freeze_report r = {.process = process_name(e->process), .us = e->age_us, .end_us = e->mono_us};

	if (e->process == PROCESS_PROXY || e->process == PROCESS_PROBER || e->process == PROCESS_MONITOR)
		diagnosis_freeze(d, &r, now_us);
	return 0;
}

int event_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	switch (e->kind) {
	case EVENT_LEG_UP:
		return leg_report(d, LEG_UP, e, now_us);
	case EVENT_LEG_ALIVE:
		return leg_report(d, LEG_ALIVE, e, now_us);
	case EVENT_LEG_LATE:
		return leg_report(d, LEG_LATE, e, now_us);
	case EVENT_LEG_DOWN:
		return leg_report(d, LEG_DOWN, e, now_us);
	case EVENT_LEG_ATTEMPT:
		return leg_report(d, LEG_ATTEMPT, e, now_us);
	case EVENT_LEG_RESOLVER:
		return leg_report(d, LEG_LOOKED_UP, e, now_us);
	case EVENT_LEG_GONE:
		return diagnosis_leg_gone(d, e->plugin, e->user, now_us);
	case EVENT_TUNNEL_DROP:
		return drop_report(d, e, now_us);
	case EVENT_TUNNEL_OPEN:
		return open_report(d, e, now_us);
	case EVENT_TUNNEL_ALIVE:
		return live_report(d, e, now_us);
	case EVENT_LOOP_LAG:
		return freeze_report(d, e, now_us);
	default:
		return 0;
	}
}
