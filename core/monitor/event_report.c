/* SPDX-License-Identifier: MIT */
/* From events to reports; see event_report.h. */
#include "monitor/event_report.h"

#include <string.h>

#include "diagnosis/host_news.h"
#include "diagnosis/leg_news.h"
#include "diagnosis/user_news.h"
#include "ipc/message.h"

static int leg_report(struct diagnosis *d, enum leg_input_kind kind, const struct event *e, uint64_t now_us)
{
	struct leg_report r = {.kind = kind,
	                       .name = e->plugin,
	                       .user = e->user,
	                       .colo = e->colo,
	                       .step = e->step,
	                       .reason = e->reason,
	                       .code = e->code,
	                       .wall_us = e->time_us,
	                       .mono_us = e->mono_us,
	                       .target = e->target,
	                       .was_up = kind == LEG_ATTEMPT && e->count > 0,
	                       .makes_fresh = kind == LEG_UP && e->count > 0,
	                       .age_us = kind == LEG_ALIVE || kind == LEG_ATTEMPT ? e->age_us : 0,
	                       .waited_us = kind == LEG_LOOKED_UP ? e->age_us : e->rtt_us};

	return leg_news_take(d, &r, now_us);
}

/* A fresh connection that worked, or a large message: its event says how long it took. */
static int aspect_report(struct diagnosis *d, enum leg_input_kind kind, const struct event *e, uint64_t now_us)
{
	struct event whole = *e;

	whole.rtt_us = e->age_us;
	return leg_report(d, kind, &whole, now_us);
}

static struct page_facts facts_of(const struct event *e)
{
	const struct event_page *p = &e->page;

	return (struct page_facts){.end = (enum page_end)p->end,
	                           .code = e->code,
	                           .heartbeat_known = p->heartbeat != 0,
	                           .since_ping_us = p->since_ping_us,
	                           .waiting_us = p->waiting_us,
	                           .late_pings = p->late_pings,
	                           .few_pings = p->few_pings,
	                           .queued_us = p->queued_us,
	                           .since_large_us = p->since_large_us,
	                           .carried = p->carried,
	                           .late_beats = p->late_beats};
}

static int page_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct page_facts facts = facts_of(e);

	facts.age_us = e->age_us;
	return user_news_page(d, e->user, e->colo, &facts, e->time_us, now_us);
}

static int end_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct end_report r = {.user = e->user,
	                       .address = e->address,
	                       .colo = e->colo,
	                       .why = e->page.end == PAGE_END_LOST ? e->text : "",
	                       .tunnel = e->id,
	                       .reason = e->reason,
	                       .code = e->code,
	                       .dropped = e->kind == EVENT_TUNNEL_DROP,
	                       .wall_us = e->time_us,
	                       .mono_us = e->mono_us,
	                       .age_us = e->age_us,
	                       .idle_client_us = e->idle_client_us,
	                       .idle_upstream_us = e->idle_upstream_us,
	                       .page = facts_of(e)};

	return user_news_tunnel_end(d, &r, now_us);
}

static int open_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct open_report r = {.user = e->user, .address = e->address, .colo = e->colo, .opened_us = e->mono_us};

	return user_news_tunnel_open(d, &r, now_us);
}

/* When a side last sent something; 0: not said. */
static uint64_t last_us(const struct event *e, uint64_t idle_us)
{
	return idle_us > 0 && e->mono_us > idle_us ? e->mono_us - idle_us : 0;
}

static int live_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct live_report r = {.user = e->user,
	                        .colo = e->colo,
	                        .steady_us = last_us(e, e->age_us),
	                        .client_us = last_us(e, e->idle_client_us),
	                        .serve_us = last_us(e, e->idle_upstream_us)};

	return user_news_tunnel_live(d, &r, now_us);
}

/* A frozen process that measures makes everything look dead. */
static int freeze_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	struct host_event frozen = {.kind = HOST_FROZEN,
	                            .process = process_name(e->process),
	                            .prober = e->process == PROCESS_PROBER,
	                            .proxy = e->process == PROCESS_PROXY,
	                            .from_us = e->mono_us > e->age_us ? e->mono_us - e->age_us : 0,
	                            .until_us = e->mono_us,
	                            .length_us = e->age_us};

	return host_news_take(d, &frozen, now_us);
}

/* An end of ours is known better than any leg could tell it. */
static int process_report(struct diagnosis *d, const struct event *e, uint64_t now_us)
{
	if (strcmp(e->text, process_name(PROCESS_PROXY)) != 0)
		return 0;
	return host_news_proxy_gone(d, e->kind == EVENT_PROCESS_KILLED, e->mono_us, now_us);
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
	case EVENT_LEG_ABSENT:
		return leg_report(d, LEG_ABSENT, e, now_us);
	case EVENT_LEG_RESOLVER:
		return leg_report(d, LEG_LOOKED_UP, e, now_us);
	case EVENT_LEG_FRESH:
		return aspect_report(d, LEG_FRESH, e, now_us);
	case EVENT_LEG_FRESH_FAILED:
		return leg_report(d, LEG_FRESH, e, now_us);
	case EVENT_LEG_LARGE:
	case EVENT_LEG_LARGE_LOST:
		return aspect_report(d, LEG_LARGE, e, now_us);
	case EVENT_LEG_TRACED:
		return leg_report(d, LEG_TRACED, e, now_us);
	case EVENT_LEG_GONE:
		return leg_news_gone(d, e->plugin, e->user);
	case EVENT_TUNNEL_CLOSED:
	case EVENT_TUNNEL_DROP:
		if (e->process == PROCESS_MONITOR)
			return 0; /* it was found here */
		return end_report(d, e, now_us);
	case EVENT_TUNNEL_HEARTBEAT:
		return page_report(d, e, now_us);
	case EVENT_NAVIGATION:
		return user_news_navigation(d, e->user, e->text[0] != '\0', now_us);
	case EVENT_TUNNEL_OPEN:
		return open_report(d, e, now_us);
	case EVENT_TUNNEL_ALIVE:
		return live_report(d, e, now_us);
	case EVENT_PROCESS_EXITED:
	case EVENT_PROCESS_KILLED:
		return process_report(d, e, now_us);
	case EVENT_LOOP_LAG:
		return freeze_report(d, e, now_us);
	default:
		return 0;
	}
}
