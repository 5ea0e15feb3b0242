/* SPDX-License-Identifier: MIT */
/* Events of tunnels; see tunnel_report.h. */
#include "proxy/tunnel_report.h"

#include "proxy/tunnel_page.h"
#include "proxy/worker.h"

static void event_begin(struct event *e, enum event_kind kind, const struct tunnel *t, uint64_t at_us)
{
	event_init(e, kind, PROCESS_PROXY);
	if (e->mono_us > at_us) {
		e->time_us -= e->mono_us - at_us;
		e->mono_us = at_us;
	}
	e->id = t->id;
	event_set(e->user, t->user);
	event_set(e->address, t->address);
	event_set(e->colo, t->colo);
}

static void traffic_fill(const struct tunnel *t, struct event *e)
{
	e->age_us = e->mono_us - t->opened_us;
	e->idle_client_us = e->mono_us - t->client.last_us + 1; /* 0 would mean: not said */
	e->idle_upstream_us = e->mono_us - t->upstream.last_us + 1;
	e->bytes_up = t->client.bytes;
	e->bytes_down = t->upstream.bytes;
}

void tunnel_report_open(const struct tunnel *t)
{
	struct event e;

	event_begin(&e, EVENT_TUNNEL_OPEN, t, t->opened_us);
	process_emit(t->worker->process, &e);
}

void tunnel_report_page(const struct tunnel *t, uint64_t now_us)
{
	struct event e;

	event_begin(&e, EVENT_TUNNEL_HEARTBEAT, t, now_us);
	traffic_fill(t, &e);
	tunnel_page_fill(t, PAGE_END_NONE, now_us, &e.page);
	event_set(e.text, page_evidence_label(t->page.evidence));
	process_emit_quietly(t->worker->process, &e);
}

/* What the page experienced decides whether it broke, not the reason alone. */
void tunnel_report_end(struct tunnel *t, const struct tunnel_end *end)
{
	struct event_page page;
	struct event e;
	bool drop;

	if (t->reported)
		return;
	t->reported = true;
	tunnel_page_fill(t, end->page, end->at_us, &page);
	drop = tunnel_page_is_drop(t, &page, end->code, end->at_us);
	event_begin(&e, drop ? EVENT_TUNNEL_DROP : EVENT_TUNNEL_CLOSED, t, end->at_us);
	traffic_fill(t, &e);
	e.reason = (uint16_t)end->reason;
	e.code = end->code;
	e.page = page;
	if (end->page == PAGE_END_LOST)
		event_set(e.text, "t3ops stopped, or could not hand it on");
	proxy_metrics_tunnel_close(&t->worker->metrics, end->reason);
	process_emit(t->worker->process, &e);
	loop_turn_spend(&t->worker->process->turn);
}
