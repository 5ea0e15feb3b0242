/* SPDX-License-Identifier: MIT */
/* The life of one leg; see leg.h. */
#include "prober/leg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "net/colo.h"
#include "net/fetch_reason.h"
#include "prober/backoff.h"
#include "prober/leg_fresh.h"
#include "prober/leg_report.h"
#include "prober/leg_trace.h"
#include "prober/leg_ws.h"
#include "tbl/hash.h"

#define CODE_RESTART  1012
#define MOVED_PAUSE_S 0.05 /* the one that takes over is there already */

static void timer_set(struct t3ops_leg *leg, struct ev_timer *w, double after_s)
{
	ev_timer_stop(leg->process->loop, w);
	ev_now_update(leg->process->loop);
	ev_timer_set(w, after_s, 0.);
	ev_timer_start(leg->process->loop, w);
}

static bool is_elsewhere(const struct t3ops_leg *leg)
{
	return leg->instance->plugin.leg_flags & T3OPS_LEG_ELSEWHERE;
}

static double seconds(uint64_t us)
{
	return (double)us / 1e6;
}

/* The only place that changes it. */
static void leg_set_state(struct t3ops_leg *leg, enum leg_state state)
{
	static const bool allowed[][LEG_ENDED + 1] = {
	    [LEG_PAUSED] = {[LEG_OPENING] = true},
	    [LEG_OPENING] = {[LEG_UP] = true, [LEG_ENDED] = true},
	    [LEG_UP] = {[LEG_ENDED] = true},
	    [LEG_ENDED] = {[LEG_PAUSED] = true},
	};

	assert(allowed[leg->state][state]);
	leg->state = state;
}

/* ---- attempts ------------------------------------------------------------------------------------- */

static void attempt(struct t3ops_leg *leg)
{
	struct t3ops_instance *i = leg->instance;

	leg_set_state(leg, LEG_OPENING);
	leg->step = leg->looks_up ? T3OPS_STEP_DNS : T3OPS_STEP_CONNECT;
	leg->opened = true;
	leg->colo[0] = '\0';
	leg->step_us = leg->may_ask_us = clock_mono_us();
	plugin_enter(i, "leg_open");
	i->plugin.leg_open(&i->ctx, leg);
	plugin_leave(i);
}

static void leg_close(struct t3ops_leg *leg)
{
	struct t3ops_instance *i = leg->instance;

	if (!leg->opened)
		return;
	leg->opened = false;
	plugin_enter(i, "leg_close");
	i->plugin.leg_close(&i->ctx, leg);
	plugin_leave(i);
}

static uint32_t random_word(void)
{
	uint32_t word = 0;

	(void)!getrandom(&word, sizeof word, GRND_NONBLOCK);
	return word;
}

static double pause_seconds(const struct t3ops_leg *leg)
{
	/* a far end that sends us away again and again is not hammered */
	if (leg->failures == 0 && clock_mono_us() - leg->up_us >= leg->timing.reconnect_min_us)
		return MOVED_PAUSE_S;
	return seconds(
	    backoff_us(leg->timing.reconnect_min_us, leg->timing.reconnect_max_us, leg->failures, random_word()));
}

static void leg_move(struct t3ops_leg *leg)
{
	leg->moving = true;
	leg->failures = 0;
	log_write(LOG_L_INFO, "probe_reconnecting", kv_plugin(leg->instance->ctx.name), kv_user(leg->user.name),
	          kv_detail("the far end is being replaced"));
}

void leg_set_absent(struct t3ops_leg *leg, bool absent)
{
	if (leg->absent == absent || leg->up_us != 0)
		return;
	leg->absent = absent;
	leg_metrics_absent(&leg->metrics, absent);
	if (absent)
		leg_report_absent(leg, true);
}

/* Of one that was never up: who never ran t3 has no server to be down. */
static void absence_ask(struct t3ops_leg *leg)
{
	struct msg_absent about = {.is_absent = 0};

	if (!leg->per_user || leg->up_us != 0 || leg->user.os_user[0] == '\0')
		return;
	if (leg->user.is_absent) { /* seen by the prober itself */
		leg_set_absent(leg, true);
		return;
	}
	event_set(about.user, leg->user.name);
	channel_send(leg->process->channel, MSG_ABSENT_ASK, PROCESS_HELPER, 0, &about, sizeof about);
}

/* Ends the connection or the attempt.  leg_close comes from the loop, never from inside a callback of the plugin. */
static void leg_end(struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	bool was_up = leg->state == LEG_UP || leg->moving;
	bool restart = leg->state == LEG_UP && end->reason == T3OPS_R_CLOSED && end->code == CODE_RESTART;

	leg_set_state(leg, LEG_ENDED);
	leg_fresh_stop(leg);
	leg->ended_us = clock_mono_us();
	leg->pinged_us = 0;
	ev_timer_stop(leg->process->loop, &leg->watchdog);
	timer_set(leg, &leg->next, 0.);
	if (restart) {
		leg_move(leg);
		return;
	}
	leg->moving = false;
	leg->down_us = was_up ? clock_mono_us() : leg->down_us;
	leg->failures = was_up ? reason_side(end->reason) != SIDE_NOBODY : leg->failures + 1;
	if (leg->absent)
		leg_report_absent(leg, false);
	else
		leg_report_end(leg, end, was_up);
	if (was_up)
		leg_metrics_down(&leg->metrics, end->reason, clock_wall_us());
	else
		leg_metrics_attempt(&leg->metrics);
	absence_ask(leg);
}

/* ---- heartbeats ------------------------------------------------------------------------------------- */

static void ping(struct t3ops_leg *leg)
{
	struct t3ops_instance *i = leg->instance;
	uint64_t first_us = leg->timing.late_us < leg->timing.watchdog_us ? leg->timing.late_us
	                                                                  : leg->timing.watchdog_us;

	leg->pinged_us = leg->may_ask_us = clock_mono_us();
	leg->late_reported = false;
	if (!is_elsewhere(leg))
		timer_set(leg, &leg->watchdog, seconds(first_us));
	plugin_enter(i, "leg_ping");
	i->plugin.leg_ping(&i->ctx, leg);
	plugin_leave(i);
}

static void on_watchdog(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct t3ops_leg *leg = w->data;
	uint64_t silent_us = clock_mono_us() - leg->pinged_us;
	struct t3ops_ws_end end = {.step = T3OPS_STEP_OPEN, .reason = T3OPS_R_HEARTBEAT_TIMEOUT, .text = ""};

	(void)loop, (void)revents;
	if (silent_us >= leg->timing.watchdog_us) {
		leg_end(leg, &end);
		return;
	}
	if (silent_us >= leg->timing.late_us && !leg->late_reported) {
		leg_report_late(leg);
		leg_trace_late(leg);
		leg_fresh_now(leg, leg->pinged_us);
	}
	timer_set(leg, &leg->watchdog, seconds(leg->timing.watchdog_us - silent_us));
}

static void on_next(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct t3ops_leg *leg = w->data;

	(void)loop, (void)revents;
	switch (leg->state) {
	case LEG_ENDED:
		leg_close(leg);
		leg_set_state(leg, LEG_PAUSED);
		timer_set(leg, w, leg->asked_id != 0 ? 0. : pause_seconds(leg));
		break;
	case LEG_PAUSED: /* thousands may be due at once, as when this process was started */
		if (loop_turn_spend(&leg->process->turn))
			timer_set(leg, w, 0.);
		else
			attempt(leg);
		break;
	case LEG_UP:
		leg_metrics_age(&leg->metrics, clock_mono_us() - leg->up_us);
		timer_set(leg, w, seconds(leg->timing.heartbeat_us));
		if (leg->pinged_us == 0)
			ping(leg);
		break;
	default:
		break;
	}
}

/* ---- probes of the monitor -------------------------------------------------------------------------------- */

/* The monitor waits no longer; the attempt or heartbeat in progress goes on. */
static void on_asked(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct t3ops_leg *leg = w->data;
	struct t3ops_ws_end end = {
	    .step = leg->step, .reason = fetch_reason(-ETIMEDOUT, leg->step), .text = "not established yet"};

	(void)loop, (void)revents;
	if (is_elsewhere(leg)) {
		leg->asked_id = 0;
	} else if (leg->state == LEG_UP) {
		leg_report_late(leg);
		leg_trace_late(leg);
	} else if (leg->absent) {
		leg_report_absent(leg, false);
	} else {
		leg_report_end(leg, &end, false);
	}
}

void leg_probe(struct t3ops_leg *leg, uint64_t id, uint64_t since_us)
{
	leg->asked_id = id;
	leg->asked_since_us = since_us;
	timer_set(leg, &leg->asked, seconds(leg->timing.ping_timeout_us));
	if (leg->state == LEG_PAUSED)
		timer_set(leg, &leg->next, 0.);
	else if (leg->state == LEG_UP && leg->pinged_us == 0)
		ping(leg);
	leg_fresh_now(leg, since_us);
}

bool leg_asks(const struct t3ops_leg *leg)
{
	return leg->state == LEG_OPENING || leg->pinged_us != 0 || leg->asked_id != 0 ||
	       leg->fresh.state == FRESH_RUNNING;
}

void leg_retry(struct t3ops_leg *leg)
{
	uint64_t soon_us = backoff_retry_us(leg->ended_us, leg->timing.heartbeat_us, clock_mono_us(), random_word());

	leg_fresh_retry(leg);
	if (leg->state == LEG_PAUSED && seconds(soon_us) < ev_timer_remaining(leg->process->loop, &leg->next))
		timer_set(leg, &leg->next, seconds(soon_us));
}

/* ---- what the plugin says ------------------------------------------------------------------------------ */

void leg_reach(struct t3ops_leg *leg, uint32_t step)
{
	if (leg->state != LEG_OPENING || step <= leg->step) {
		leg_fresh_reach(leg, step);
		return;
	}
	leg->step = step;
	leg->step_us = clock_mono_us();
}

void leg_locate(struct t3ops_leg *leg, const char *cf_ray)
{
	bool beside = leg->state == LEG_UP && leg->fresh.state == FRESH_RUNNING;
	char colo[COLO_SIZE];

	colo_read(cf_ray, strlen(cf_ray), colo);
	if (colo[0] != '\0')
		memcpy(beside ? leg->fresh.colo : leg->colo, colo, sizeof colo);
}

void leg_establish(struct t3ops_leg *leg)
{
	if (leg->state != LEG_OPENING)
		return;
	leg_set_state(leg, LEG_UP);
	leg->step = T3OPS_STEP_OPEN;
	leg->failures = 0;
	leg->moving = false;
	if (leg->absent)
		leg_metrics_absent(&leg->metrics, false);
	leg->absent = false;
	leg->up_us = clock_mono_us();
	leg_metrics_up(&leg->metrics);
	leg_report_up(leg);
	timer_set(leg, &leg->next, seconds(leg->timing.heartbeat_us));
	leg_fresh_begin(leg);
	if (leg->on_up)
		leg->on_up(leg);
}

void leg_answer(struct t3ops_leg *leg, uint64_t rtt_us)
{
	uint64_t sent_us = leg->pinged_us;

	if (leg->state != LEG_UP || sent_us == 0)
		return;
	leg->pinged_us = 0;
	ev_timer_stop(leg->process->loop, &leg->watchdog);
	leg_metrics_rtt(&leg->metrics, rtt_us);
	if (leg->asked_id != 0 && sent_us < leg->asked_since_us)
		ping(leg); /* this answer may be older than the drop */
	else
		leg_report_alive(leg, rtt_us);
}

void leg_fail(struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	if (leg->state == LEG_OPENING || leg->state == LEG_UP)
		leg_end(leg, end);
}

/* ---- birth and death --------------------------------------------------------------------------------------- */

static void timing_read(struct leg_timing *t, const struct leg_options *options, const struct core_options *core)
{
	t->heartbeat_us = options->heartbeat_us;
	t->watchdog_us = options->watchdog_us;
	t->late_us = options->late_us;
	t->reconnect_min_us = options->reconnect_min_us;
	t->reconnect_max_us = options->reconnect_max_us;
	t->fresh_us = options->fresh_us;
	t->certificate_days = (uint64_t)options->certificate_days;
	t->ping_timeout_us = core->ping_timeout_us;
}

uint64_t leg_section_hash(const struct plugin_section *section)
{
	json_t *values = option_set_json(&section->values);
	char *text = json_dumps(values, JSON_COMPACT);
	uint64_t hash = hash_text(HASH_START, text ? text : "");

	free(text);
	json_decref(values);
	for (size_t i = 0; i < section->leg.segments.n; i++)
		hash = hash_text(hash_text(hash, " "), section->leg.segments.items[i]);
	return hash;
}

static uint64_t target_of(uint64_t hash, const struct user *user)
{
	if (user)
		hash = hash_bytes(hash_text(hash_text(hash, " "), user->host), &user->port, sizeof user->port);
	return hash;
}

struct t3ops_leg *leg_new(struct process *process, struct t3ops_instance *i, const struct user *user,
                          struct leg_group *group, double after_s)
{
	struct t3ops_leg *leg = calloc(1, sizeof *leg);

	if (!leg)
		return NULL;
	leg->process = process;
	leg->instance = i;
	leg->down_us = clock_mono_us();
	leg->looks_up = i->section->leg.resolver_segments.n > 0;
	timing_read(&leg->timing, &i->section->leg, &process->config->core);
	leg->target = target_of(group ? group->config : leg_section_hash(i->section), user);
	if (user) {
		leg->per_user = true;
		leg->user = *user;
		leg->user_view.struct_size = sizeof leg->user_view;
		plugin_user(&leg->user, &leg->user_view);
	}
	leg_metrics_init(&leg->metrics, process->metrics, i->ctx.name, leg->user.name, leg_fresh_is_made(leg), group);
	ev_timer_init(&leg->next, on_next, 0., 0.);
	ev_timer_init(&leg->watchdog, on_watchdog, 0., 0.);
	ev_timer_init(&leg->asked, on_asked, 0., 0.);
	leg->next.data = leg->watchdog.data = leg->asked.data = leg;
	leg_fresh_init(leg);
	timer_set(leg, &leg->next, after_s);
	return leg;
}

void leg_free(struct t3ops_leg *leg, bool reported)
{
	leg_fresh_stop(leg);
	leg_close(leg);
	leg_ws_forget(leg);
	ev_timer_stop(leg->process->loop, &leg->next);
	ev_timer_stop(leg->process->loop, &leg->watchdog);
	ev_timer_stop(leg->process->loop, &leg->asked);
	if (reported)
		leg_report_gone(leg);
	leg_metrics_fini(&leg->metrics, reported);
	free(leg);
}
