/* SPDX-License-Identifier: MIT */
/* Events of legs; see leg_report.h. */
#include "prober/leg_report.h"

#include "sys/time_text.h"

static void event_begin(const struct t3ops_leg *leg, struct event *e, enum event_kind kind)
{
	event_init(e, kind, PROCESS_PROBER);
	event_set(e->plugin, leg->instance->ctx.name);
	event_set(e->user, leg->user.name);
	e->target = leg->target;
}

/* The id of the monitor's probe, which the event answers. */
static uint64_t asked_take(struct t3ops_leg *leg)
{
	uint64_t id = leg->asked_id;

	leg->asked_id = 0;
	ev_timer_stop(leg->process->loop, &leg->asked);
	return id;
}

static void send(struct t3ops_leg *leg, struct event *e, bool news)
{
	if (news)
		process_emit(leg->process, e);
	else
		process_emit_quietly(leg->process, e);
}

void leg_report_up(struct t3ops_leg *leg)
{
	struct event e;

	leg->reported_step = leg->reported_reason = leg->reported_code = 0;
	event_begin(leg, &e, EVENT_LEG_UP);
	event_set(e.colo, leg->colo);
	e.id = asked_take(leg);
	e.count = leg_fresh_is_made(leg);
	send(leg, &e, true);
}

void leg_report_alive(struct t3ops_leg *leg, uint64_t rtt_us)
{
	struct event e;

	event_begin(leg, &e, EVENT_LEG_ALIVE);
	event_set(e.colo, leg->colo);
	e.id = asked_take(leg);
	e.rtt_us = rtt_us;
	e.age_us = clock_mono_us() - leg->up_us;
	send(leg, &e, false);
}

void leg_report_late(struct t3ops_leg *leg)
{
	struct event e;

	event_begin(leg, &e, EVENT_LEG_LATE);
	event_set(e.colo, leg->colo);
	e.id = asked_take(leg);
	e.age_us = clock_mono_us() - leg->up_us;
	e.rtt_us = leg->pinged_us > 0 ? clock_mono_us() - leg->pinged_us : 0; /* so far */
	leg->late_reported = true;
	send(leg, &e, true);
}

/* An attempt that fails like the one before is not reported again. */
static bool fails_as_before(struct t3ops_leg *leg, const struct event *e)
{
	bool same = leg->reported_step == e->step && leg->reported_reason == e->reason &&
	            leg->reported_code == e->code;

	leg->reported_step = e->step;
	leg->reported_reason = e->reason;
	leg->reported_code = e->code;
	return same;
}

void leg_report_end(struct t3ops_leg *leg, const struct t3ops_ws_end *end, bool was_up)
{
	struct event e;

	event_begin(leg, &e, was_up ? EVENT_LEG_DOWN : EVENT_LEG_ATTEMPT);
	event_set(e.colo, leg->colo);
	e.id = asked_take(leg);
	e.step = (uint8_t)end->step;
	e.reason = (uint16_t)end->reason;
	e.code = (uint16_t)end->code;
	event_set(e.text, end->text ? end->text : "");
	e.age_us = clock_mono_us() - (was_up ? leg->up_us : leg->down_us);
	if (!was_up) {
		e.rtt_us = clock_mono_us() - leg->step_us;
		e.count = leg->up_us > 0;
	}
	send(leg, &e, was_up || !fails_as_before(leg, &e));
}

/* The first answer is what was hoped for: no news either. */
void leg_report_resolver(struct t3ops_leg *leg, bool ok, const char *text)
{
	bool news = leg->resolver_failed == ok;
	struct event e;

	leg->resolver_failed = !ok;
	event_begin(leg, &e, EVENT_LEG_RESOLVER);
	e.reason = ok ? T3OPS_R_NONE : T3OPS_R_DNS;
	e.age_us = leg->may_ask_us > 0 ? clock_mono_us() - leg->may_ask_us : 0; /* since it may have been asked */
	event_set(e.text, text ? text : "");
	send(leg, &e, news);
}

void leg_report_fresh(struct t3ops_leg *leg, uint64_t took_us)
{
	struct leg_fresh *f = &leg->fresh;
	bool news = f->reported_reason != T3OPS_R_NONE;
	struct event e;

	f->reported_step = f->reported_reason = f->reported_code = 0;
	event_begin(leg, &e, EVENT_LEG_FRESH);
	event_set(e.colo, leg->fresh.colo);
	e.age_us = took_us;
	send(leg, &e, news);
}

void leg_report_fresh_failed(struct t3ops_leg *leg, const struct t3ops_ws_end *end, uint64_t took_us)
{
	struct leg_fresh *f = &leg->fresh;
	bool news = f->reported_step != end->step || f->reported_reason != end->reason ||
	            f->reported_code != end->code;
	struct event e;

	event_begin(leg, &e, EVENT_LEG_FRESH_FAILED);
	event_set(e.colo, leg->fresh.colo);
	e.step = (uint8_t)end->step;
	e.reason = f->reported_reason = (uint16_t)end->reason;
	e.code = f->reported_code = (uint16_t)end->code;
	f->reported_step = e.step;
	e.age_us = took_us;
	e.rtt_us = clock_mono_us() - f->step_us;
	event_set(e.text, end->text ? end->text : "");
	send(leg, &e, news);
}

void leg_report_large(struct t3ops_leg *leg, uint32_t fate, uint64_t took_us)
{
	bool lost = fate != T3OPS_LARGE_ANSWERED, news = lost != leg->fresh.loss_reported;
	struct event e;

	leg->fresh.loss_reported = lost;
	event_begin(leg, &e, lost ? EVENT_LEG_LARGE_LOST : EVENT_LEG_LARGE);
	event_set(e.colo, leg->fresh.colo);
	e.age_us = took_us;
	if (lost) {
		e.reason = T3OPS_R_LARGE_LOST;
		event_set(e.text, fate == T3OPS_LARGE_LOST_OUT ? "lost on the way there" : "lost on the way back");
	}
	send(leg, &e, news);
}

void leg_report_trace(struct t3ops_leg *leg, enum beat_trace trace)
{
	struct event e;

	event_begin(leg, &e, EVENT_LEG_TRACED);
	event_set(e.colo, leg->colo);
	e.code = (uint16_t)trace;
	event_set(e.text, beat_trace_sentence(trace));
	send(leg, &e, true);
}

void leg_report_certificate(struct t3ops_leg *leg, enum certificate_state state, uint64_t until_us)
{
	static const enum event_kind kinds[] = {[CERTIFICATE_GOOD] = EVENT_CERTIFICATE_RENEWED,
	                                        [CERTIFICATE_EXPIRING] = EVENT_CERTIFICATE_EXPIRING,
	                                        [CERTIFICATE_EXPIRED] = EVENT_CERTIFICATE_EXPIRED};
	struct event e;

	event_begin(leg, &e, kinds[state]);
	event_set(e.segments, leg->instance->section->leg.edge);
	time_text(until_us, e.text);
	send(leg, &e, true);
}

void leg_report_absent(struct t3ops_leg *leg, bool news)
{
	struct event e;

	leg->reported_step = leg->reported_reason = leg->reported_code = 0;
	event_begin(leg, &e, EVENT_LEG_ABSENT);
	e.id = asked_take(leg);
	send(leg, &e, news);
}

void leg_report_gone(struct t3ops_leg *leg)
{
	struct event e;

	event_begin(leg, &e, EVENT_LEG_GONE);
	send(leg, &e, true);
}
