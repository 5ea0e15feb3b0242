/* SPDX-License-Identifier: MIT */
/* Fresh connections beside a leg; see leg_fresh.h. */
#include "prober/leg_fresh.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#include "net/fetch_reason.h"
#include "prober/backoff.h"
#include "prober/leg_report.h"

#define CODE_RESTART 1012

static void timer_set(struct t3ops_leg *leg, struct ev_timer *w, uint64_t after_us)
{
	ev_timer_stop(leg->process->loop, w);
	ev_now_update(leg->process->loop);
	ev_timer_set(w, (double)after_us / 1e6, 0.);
	ev_timer_start(leg->process->loop, w);
}

/* The only place that changes it. */
static void fresh_set_state(struct t3ops_leg *leg, enum fresh_state state)
{
	static const bool allowed[][FRESH_RUNNING + 1] = {
	    [FRESH_OFF] = {[FRESH_OFF] = true, [FRESH_WAITING] = true},
	    [FRESH_WAITING] = {[FRESH_OFF] = true, [FRESH_RUNNING] = true},
	    [FRESH_RUNNING] = {[FRESH_OFF] = true, [FRESH_WAITING] = true},
	};

	assert(allowed[leg->fresh.state][state]);
	leg->fresh.state = state;
}

static uint32_t random_word(void)
{
	uint32_t word = 0;

	(void)!getrandom(&word, sizeof word, GRND_NONBLOCK);
	return word;
}

static bool heartbeat_is_late(const struct t3ops_leg *leg)
{
	return leg->pinged_us != 0 && leg->late_reported;
}

/* ---- one fresh connection ---------------------------------------------------------------------------------- */

static void run(struct t3ops_leg *leg)
{
	struct t3ops_instance *i = leg->instance;
	struct leg_fresh *f = &leg->fresh;
	bool soon = heartbeat_is_late(leg) && leg->timing.ping_timeout_us < leg->timing.watchdog_us;

	fresh_set_state(leg, FRESH_RUNNING);
	f->began_us = clock_mono_us();
	f->thorough = f->asked;
	f->step = leg->looks_up ? T3OPS_STEP_DNS : T3OPS_STEP_CONNECT;
	f->step_us = f->began_us;
	f->colo[0] = '\0';
	ev_timer_stop(leg->process->loop, &f->next);
	timer_set(leg, &f->limit, soon ? leg->timing.ping_timeout_us : leg->timing.watchdog_us);
	leg->may_ask_us = clock_mono_us();
	plugin_enter(i, "leg_fresh");
	i->plugin.leg_fresh(&i->ctx, leg, f->thorough);
	plugin_leave(i);
}

static uint64_t pause_us(const struct t3ops_leg *leg)
{
	uint64_t max_us = leg->timing.reconnect_max_us < leg->timing.fresh_us ? leg->timing.reconnect_max_us
	                                                                      : leg->timing.fresh_us;
	uint64_t min_us = leg->timing.reconnect_min_us < max_us ? leg->timing.reconnect_min_us : max_us;

	if (leg->fresh.failures == 0 && !leg->fresh.inconclusive)
		return leg->timing.fresh_us;
	return backoff_us(min_us, max_us, leg->fresh.failures > 0 ? leg->fresh.failures : 1, random_word());
}

static void finish(struct t3ops_leg *leg)
{
	struct leg_fresh *f = &leg->fresh;

	fresh_set_state(leg, FRESH_WAITING);
	ev_timer_stop(leg->process->loop, &f->limit);
	timer_set(leg, &f->next, f->again ? 0 : pause_us(leg));
	f->again = false;
}

static struct t3ops_ws_end not_through(const struct t3ops_leg *leg)
{
	bool open = leg->fresh.step == T3OPS_STEP_OPEN;

	return (struct t3ops_ws_end){.step = leg->fresh.step,
	                             .reason = open ? T3OPS_R_HEARTBEAT_TIMEOUT
	                                            : fetch_reason(-ETIMEDOUT, leg->fresh.step),
	                             .text = "not through yet"};
}

/* While a heartbeat is late it is worth knowing early how far a new connection gets; it goes on. */
static void on_limit(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct t3ops_leg *leg = w->data;
	uint64_t took_us = clock_mono_us() - leg->fresh.began_us;
	struct t3ops_ws_end end = not_through(leg);

	(void)loop, (void)revents;
	if (took_us >= leg->timing.watchdog_us) {
		leg_fresh_fail(leg, &end);
		return;
	}
	if (heartbeat_is_late(leg))
		leg_report_fresh_failed(leg, &end, took_us);
	timer_set(leg, w, leg->timing.watchdog_us - took_us);
}

static void on_next(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	run(w->data);
}

/* ---- the leg ----------------------------------------------------------------------------------------------------
 */

void leg_fresh_init(struct t3ops_leg *leg)
{
	ev_timer_init(&leg->fresh.next, on_next, 0., 0.);
	ev_timer_init(&leg->fresh.limit, on_limit, 0., 0.);
	leg->fresh.next.data = leg->fresh.limit.data = leg;
}

/* Establishing the leg was a fresh connection; many legs do not make theirs together. */
void leg_fresh_begin(struct t3ops_leg *leg)
{
	struct leg_fresh *f = &leg->fresh;

	if (!leg_fresh_is_made(leg))
		return;
	fresh_set_state(leg, FRESH_WAITING);
	f->began_us = 0;
	f->failures = f->lost = 0;
	f->asked = f->again = f->inconclusive = false;
	timer_set(leg, &f->next, backoff_us(leg->timing.fresh_us, leg->timing.fresh_us, 1, random_word()));
}

void leg_fresh_stop(struct t3ops_leg *leg)
{
	fresh_set_state(leg, FRESH_OFF);
	ev_timer_stop(leg->process->loop, &leg->fresh.next);
	ev_timer_stop(leg->process->loop, &leg->fresh.limit);
}

void leg_fresh_now(struct t3ops_leg *leg, uint64_t since_us)
{
	struct leg_fresh *f = &leg->fresh;

	if (f->state == FRESH_OFF)
		return;
	f->asked = true;
	if (f->began_us > since_us && f->thorough)
		return;
	if (f->state == FRESH_WAITING)
		timer_set(leg, &f->next, 0); /* never from inside a callback of the plugin */
	else
		f->again = true;
}

void leg_fresh_retry(struct t3ops_leg *leg)
{
	struct leg_fresh *f = &leg->fresh;
	uint64_t soon_us = backoff_retry_us(f->began_us, leg->timing.heartbeat_us, clock_mono_us(), random_word());

	if (f->state == FRESH_WAITING && f->failures > 0 &&
	    (double)soon_us / 1e6 < ev_timer_remaining(leg->process->loop, &f->next))
		timer_set(leg, &f->next, soon_us);
}

/* ---- what the plugin says ------------------------------------------------------------------------------------- */

void leg_fresh_reach(struct t3ops_leg *leg, uint32_t step)
{
	if (leg->fresh.state != FRESH_RUNNING || step <= leg->fresh.step)
		return;
	leg->fresh.step = step;
	leg->fresh.step_us = clock_mono_us();
}

void leg_fresh_works(struct t3ops_leg *leg, uint64_t took_us)
{
	struct leg_fresh *f = &leg->fresh;

	if (f->state != FRESH_RUNNING)
		return;
	f->failures = 0;
	f->inconclusive = f->asked = false;
	leg_metrics_fresh(&leg->metrics, T3OPS_R_NONE, took_us);
	leg_report_fresh(leg, clock_mono_us() - f->began_us);
	finish(leg);
}

/* A far end that is being replaced, or t3ops' own trouble: says nothing. */
static bool is_inconclusive(const struct t3ops_ws_end *end)
{
	return reason_side(end->reason) == SIDE_NOBODY ||
	       (end->reason == T3OPS_R_CLOSED && end->code == CODE_RESTART);
}

void leg_fresh_fail(struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	struct leg_fresh *f = &leg->fresh;

	if (f->state != FRESH_RUNNING)
		return;
	f->inconclusive = is_inconclusive(end);
	if (end->reason == T3OPS_R_CLOCK)
		leg_report_fresh_failed(leg, end, clock_mono_us() - f->began_us);
	if (!f->inconclusive) {
		f->failures++;
		leg_metrics_fresh(&leg->metrics, end->reason, 0);
		if (f->failures > 1 || f->asked || heartbeat_is_late(leg))
			leg_report_fresh_failed(leg, end, clock_mono_us() - f->began_us);
		f->asked = false;
	}
	finish(leg);
}

/* As with a connection: one that is lost while nothing else is wrong may be anything. */
void leg_fresh_large(struct t3ops_leg *leg, uint32_t fate, uint64_t took_us)
{
	struct leg_fresh *f = &leg->fresh;

	if (leg->state != LEG_UP)
		return;
	leg_metrics_large(&leg->metrics, fate, took_us);
	f->lost = fate == T3OPS_LARGE_ANSWERED ? 0 : f->lost + 1;
	if (fate == T3OPS_LARGE_ANSWERED || f->lost > 1 || f->thorough)
		leg_report_large(leg, fate, took_us);
}
