/* SPDX-License-Identifier: MIT */
/*
 * The life of one leg: a plugin that does what the test says, and the events that must come of it.
 * The host's part (callbacks, the channel) is played here.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/metrics_render.h"
#include "prober/leg.h"
#include "prober/leg_services.h"
#include "prober/leg_ws.h"
#include "tbl/beat.h"

#define MS           1000
#define NEVER        1800000000 /* us */
#define GIVE_UP      20.        /* seconds; only a broken build ever waits so long */
#define EVENTS_MAX   16
#define PROBE        77
#define CODE_RESTART 1012

struct reported {
	struct event e;
	bool quiet;
};

static struct reported reported[EVENTS_MAX];
static int n_reported;
static int opens, pings, closes, freshes, inside;
static uint64_t fresh_every; /* the option */
static bool thorough;        /* what leg_fresh was told last */
static bool fails_inside;    /* leg_open calls leg_down before it returns */
static struct process_config config;
static struct plugin_section section;
static struct process process = {.config = &config};
static struct t3ops_instance instance = {.section = &section};
static struct t3ops_host host;
static struct t3ops_leg *leg;

/* ---- the host, played -------------------------------------------------------------------------- */

void plugin_enter(struct t3ops_instance *i, const char *callback)
{
	(void)i, (void)callback;
	inside++;
}

void plugin_leave(struct t3ops_instance *i)
{
	(void)i;
	inside--;
}

void plugin_user(const struct user *u, struct t3ops_user *out)
{
	out->name = u->name;
	out->port = u->port;
}

/* Its WebSocket, as the kernel would know it. */
static bool acknowledges;

bool leg_ws_acknowledged(const struct t3ops_ws *ws, bool *acknowledged)
{
	assert_ptr_equal(ws, leg->carrier);
	*acknowledged = acknowledges;
	return true;
}

void leg_ws_forget(struct t3ops_leg *l)
{
	l->carrier = NULL;
}

static void report(const struct event *e, bool quiet)
{
	assert_true(n_reported < EVENTS_MAX);
	reported[n_reported].e = *e;
	reported[n_reported++].quiet = quiet;
}

void process_emit(struct process *r, struct event *e)
{
	(void)r;
	report(e, false);
}

void process_emit_quietly(struct process *r, struct event *e)
{
	(void)r;
	report(e, true);
}

/* ---- the plugin, played ------------------------------------------------------------------------ */

static void down(unsigned step, unsigned reason, int code)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = "said so"};

	host.leg_down(&instance.ctx, leg, &end);
}

static void on_open(struct t3ops_ctx *ctx, struct t3ops_leg *l)
{
	assert_ptr_equal(ctx, &instance.ctx);
	leg = l;
	opens++;
	if (fails_inside)
		down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
}

static void on_ping(struct t3ops_ctx *ctx, struct t3ops_leg *l)
{
	(void)ctx;
	assert_ptr_equal(l, leg);
	pings++;
}

/* Never from inside another callback of the plugin. */
static void on_close(struct t3ops_ctx *ctx, struct t3ops_leg *l)
{
	(void)ctx, (void)l;
	assert_int_equal(inside, 1);
	closes++;
	assert_int_equal(closes, opens);
}

static void on_fresh(struct t3ops_ctx *ctx, struct t3ops_leg *l, bool asked)
{
	thorough = asked;
	assert_ptr_equal(ctx, &instance.ctx);
	assert_ptr_equal(l, leg);
	assert_int_equal(inside, 1);
	freshes++;
}

static void fresh_up(void)
{
	host.leg_fresh_up(&instance.ctx, leg, 2500);
}

static void fresh_down(unsigned step, unsigned reason, int code)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = "said so"};

	host.leg_fresh_down(&instance.ctx, leg, &end);
}

static void pong(void)
{
	host.leg_pong(&instance.ctx, leg, 1234);
}

static void up(void)
{
	host.leg_reached(&instance.ctx, leg, T3OPS_STEP_HTTP);
	host.leg_up(&instance.ctx, leg);
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static void on_late(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ONE);
}

/* Runs the loop until the counter is there. */
static void until(const int *counter, int n)
{
	struct ev_timer late;

	ev_timer_init(&late, on_late, GIVE_UP, 0.);
	ev_now_update(process.loop);
	ev_timer_start(process.loop, &late);
	while (*counter < n && ev_is_active(&late))
		ev_run(process.loop, EVRUN_ONCE);
	ev_timer_stop(process.loop, &late);
	assert_int_equal(*counter, n);
}

static void let_pass(double seconds)
{
	struct ev_timer over;

	ev_timer_init(&over, on_late, seconds, 0.);
	ev_now_update(process.loop);
	ev_timer_start(process.loop, &over);
	while (ev_is_active(&over))
		ev_run(process.loop, EVRUN_ONCE);
}

/* The next event, which must be this one; waits for it. */
static int n_read;
static const struct event *expect(enum event_kind kind, unsigned step, unsigned reason, uint64_t id)
{
	const struct event *e;

	if (n_reported <= n_read)
		until(&n_reported, n_read + 1);
	e = &reported[n_read++].e;
	assert_string_equal(event_kind_name(e->kind), event_kind_name(kind));
	assert_string_equal(reason_label(e->reason), reason_label(reason));
	assert_int_equal(e->step, step);
	assert_int_equal(e->id, id);
	assert_string_equal(e->plugin, "serve");
	return e;
}

struct timing {
	uint64_t heartbeat, watchdog, late, reconnect, ping_timeout; /* us */
};

static char *wan[] = {"wan"};

static struct t3ops_leg *leg_make(struct timing t, const struct user *user)
{
	opens = pings = closes = freshes = n_reported = n_read = 0;
	fails_inside = false;
	config.core.ping_timeout_us = t.ping_timeout;
	section.leg = (struct leg_options){.heartbeat_us = t.heartbeat,
	                                   .watchdog_us = t.watchdog,
	                                   .late_us = t.late,
	                                   .reconnect_min_us = t.reconnect,
	                                   .reconnect_max_us = t.reconnect,
	                                   .fresh_us = fresh_every,
	                                   .resolver_segments = {.items = wan, .n = 1}};
	leg = leg_new(&process, &instance, user, NULL, 0.);
	assert_non_null(leg);
	until(&opens, 1);
	return leg;
}

static const struct timing calm = {NEVER, NEVER, NEVER, NEVER, NEVER}, brisk = {5 * MS, NEVER, NEVER, 5 * MS, NEVER};

static void leg_done(void)
{
	leg_free(leg, false);
	assert_int_equal(closes, opens);
	assert_int_equal(n_reported, n_read);
	fresh_every = 0;
}

static void probe(uint64_t since_us)
{
	leg_probe(leg, PROBE, since_us);
}

/* ---- tests: heartbeats and ends ---------------------------------------------------------------- */

static void test_heartbeats(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	for (int i = 1; i <= 3; i++) {
		until(&pings, i);
		pong();
		assert_int_equal(expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0)->rtt_us, 1234);
		assert_true(reported[n_read - 1].quiet);
		pong(); /* one more than was asked for: nothing */
	}
	up(); /* established already: nothing */
	leg_done();
}

static void test_watchdog(void **state)
{
	const struct timing t = {5 * MS, 700 * MS, 10 * MS, 5 * MS, NEVER};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_HEARTBEAT_TIMEOUT, 0);
	assert_int_equal(pings, 1); /* no second heartbeat while one is out */
	pong();                     /* too late */
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	until(&opens, 2);
	assert_int_equal(closes, 1);
	leg_done();
}

static void test_late_and_back(void **state)
{
	const struct timing t = {5 * MS, NEVER, 10 * MS, 5 * MS, NEVER};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	for (int i = 0; i < 2; i++) {
		expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, 0);
		pong();
		expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	}
	leg_done();
}

/* A failed attempt is logged if it failed in another way than the one before, else it is evidence only. */
static void test_attempts(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 503);
	assert_int_equal(expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0)->code, 503);
	assert_false(reported[0].quiet);
	assert_int_equal(closes, 0);
	fails_inside = true;
	for (int i = 1; i <= 3; i++) {
		until(&opens, 1 + i);
		assert_string_equal(expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0)->text,
		                    "said so");
		assert_int_equal(reported[i].quiet, i > 1);
	}
	fails_inside = false;
	until(&opens, 5);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, 1006);
	assert_int_equal(expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_CLOSED, 0)->code, 1006);
	leg_done();
}

/* As if it had been up for longer than such a pause. */
static void age(void)
{
	leg->up_us -= NEVER;
}

/* Without resolver segments there is no name to look up, whatever the plugin says. */
static void test_no_lookup_no_dns(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	leg->looks_up = false;
	down(T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_CONNECT, T3OPS_R_UNREACHABLE, 0);
	leg_done();
	leg_make(calm, NULL);
	down(T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	leg_done();
}

/* The name leads elsewhere now: nobody is at fault, and it is back at once, whatever the back-off. */
static void test_moved(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	age();
	down(T3OPS_STEP_OPEN, T3OPS_R_ADDRESS_CHANGED, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_ADDRESS_CHANGED, 0);
	until(&opens, 2);
	leg_done();
}

/* One that sends the leg away as soon as it is there is left alone for a while. */
static void test_sent_away(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&closes, 1);
	assert_true(ev_timer_remaining(process.loop, &leg->next) > 60.);
	leg_done();
}

/* A far end that is replaced: nothing is reported until the next attempt shows whether it is back. */
static void test_replaced(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	age();
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&opens, 2);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	age();
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&opens, 3);
	down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	leg_done();
}

/* ---- tests: probes, each answered exactly once ----------------------------------------------------- */

static void test_probe_while_up(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	probe(clock_mono_us());
	assert_int_equal(pings, 1);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	probe(clock_mono_us());
	down(T3OPS_STEP_OPEN, T3OPS_R_RESET, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_RESET, PROBE);
	leg_done();
}

/* A heartbeat that was out before the drop proves nothing about the time after it. */
static void test_probe_discounts_an_older_heartbeat(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	until(&pings, 1);
	while (clock_mono_us() <= leg->pinged_us)
		;
	probe(clock_mono_us());
	assert_int_equal(pings, 1);
	pong();
	assert_int_equal(n_reported, n_read);
	assert_int_equal(pings, 2);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	leg_done();
}

static void test_probe_unanswered(void **state)
{
	const struct timing t = {NEVER, NEVER, NEVER, NEVER, 10 * MS};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	probe(clock_mono_us());
	expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, PROBE);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	leg_done();
}

/* Nothing is heard of it: it says nothing, however long that lasts. */
static void test_elsewhere_is_never_late(void **state)
{
	const struct timing t = {5 * MS, 20 * MS, 10 * MS, 5 * MS, 10 * MS};

	(void)state;
	instance.plugin.leg_flags = T3OPS_LEG_ELSEWHERE;
	leg_make(t, NULL);
	probe(clock_mono_us());
	let_pass(0.03);
	assert_int_equal(n_reported, 0);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	until(&pings, 1);
	probe(clock_mono_us());
	let_pass(0.06);
	assert_int_equal(n_reported, n_read);
	instance.plugin.leg_flags = 0;
	leg_done();
}

/* A leg between attempts does not sit out its pause when it is asked. */
static void test_probe_while_paused(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	down(T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	until(&closes, 1);
	probe(clock_mono_us());
	until(&opens, 2);
	down(T3OPS_STEP_TLS, T3OPS_R_TLS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_TLS, T3OPS_R_TLS, PROBE);
	probe(clock_mono_us()); /* before the plugin was tidied up */
	until(&opens, 3);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, PROBE);
	leg_done();
}

/* One that is still at it says how far it came. */
static void test_probe_while_opening(void **state)
{
	static const struct {
		unsigned reached, step, reason;
	} rows[] = {
	    {0, T3OPS_STEP_DNS, T3OPS_R_DNS},
	    {T3OPS_STEP_CONNECT, T3OPS_STEP_CONNECT, T3OPS_R_CONNECT_TIMEOUT},
	    {T3OPS_STEP_TLS, T3OPS_STEP_TLS, T3OPS_R_CONNECT_TIMEOUT},
	    {T3OPS_STEP_HTTP, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT},
	};
	const struct timing t = {NEVER, NEVER, NEVER, NEVER, 10 * MS};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		leg_make(t, NULL);
		host.leg_reached(&instance.ctx, leg, rows[i].reached);
		probe(clock_mono_us());
		expect(EVENT_LEG_ATTEMPT, rows[i].step, rows[i].reason, PROBE);
		up(); /* the attempt went on */
		expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
		leg_done();
	}
}

/* ---- the page of metrics ---------------------------------------------------------------------------- */

static char *page(void)
{
	size_t len;
	struct metrics *reader = metrics_open(process.metrics, PROCESS_MONITOR, true);
	char *text = metrics_render(reader, NULL, &len);

	assert_non_null(text);
	metrics_free(reader);
	return text;
}

static void shown(const char *line, bool is)
{
	char *text = page();

	if ((strstr(text, line) != NULL) != is)
		fail_msg("%s: %s\n%s", is ? "missing" : "still there", line, text);
	free(text);
}

/* ---- tests: signs of life ----------------------------------------------------------------------------- */

/* Its back-off is half an hour, its heartbeat is not. */
static void test_retry(void **state)
{
	const struct timing t = {5 * MS, NEVER, NEVER, NEVER, NEVER};

	(void)state;
	leg_make(t, NULL);
	for (int i = 1; i <= 3; i++) {
		leg_retry(leg); /* it is at it: nothing */
		down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
		expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
		until(&closes, i);
		ev_run(process.loop, EVRUN_NOWAIT);
		leg_retry(leg);
		until(&opens, i + 1);
	}
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	leg_retry(leg); /* it is up: nothing */
	assert_int_equal(opens, 4);
	leg_done();
}

static int signs;
static void on_up(const struct t3ops_leg *l)
{
	assert_ptr_equal(l, leg);
	signs++;
}

static void test_up_is_a_sign(void **state)
{
	(void)state;
	signs = 0;
	leg_make(calm, NULL);
	leg->on_up = on_up;
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	assert_int_equal(signs, 1);
	leg_done();
}

static void test_fresh_retry(void **state)
{
	const struct timing t = {5 * MS, NEVER, NEVER, NEVER, NEVER};

	(void)state;
	fresh_every = NEVER;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	leg_retry(leg); /* none has failed: nothing */
	leg_probe(leg, PROBE, clock_mono_us());
	until(&freshes, 1);
	fresh_down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	leg_retry(leg);
	until(&freshes, 2);
	leg_done();
}

/* ---- tests: fresh connections ------------------------------------------------------------------------ */

static void fresh_make(struct timing t)
{
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
}

static void test_fresh_at_an_interval(void **state)
{
	(void)state;
	fresh_every = 5 * MS;
	fresh_make(calm);
	for (int i = 1; i <= 3; i++) {
		until(&freshes, i);
		fresh_up();
		expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
		assert_true(reported[n_read - 1].quiet);
		fresh_up(); /* none is running: nothing */
		fresh_down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	}
	leg_done();
}

static void test_fresh_is_off(void **state)
{
	(void)state;
	fresh_make(brisk);
	until(&pings, 1);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	until(&pings, 2);
	assert_int_equal(freshes, 0);
	leg_done();
}

/* One failure may be anything; the second one is news, a third like it is not, and neither is what ends it. */
static void test_fresh_fails(void **state)
{
	const struct timing t = {NEVER, NEVER, NEVER, 5 * MS, NEVER};

	(void)state;
	fresh_every = 5 * MS;
	fresh_make(t);
	for (int i = 1; i <= 3; i++) {
		until(&freshes, i);
		fresh_down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 530);
		if (i == 1)
			continue;
		assert_int_equal(expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0)->code, 530);
		assert_int_equal(reported[n_read - 1].quiet, i > 2);
	}
	until(&freshes, 4);
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	assert_false(reported[n_read - 1].quiet);
	shown("t3ops_leg_fresh_connected{leg=\"serve\"} 1\n", true);
	shown("t3ops_leg_fresh_failures_total{leg=\"serve\",reason=\"http_status\"} 3\n", true);
	leg_done();
}

/* A far end that is being replaced, or our own trouble, says nothing; it is tried again. */
static void test_fresh_inconclusive(void **state)
{
	const struct timing t = {NEVER, NEVER, NEVER, 5 * MS, NEVER};

	(void)state;
	fresh_every = 5 * MS;
	fresh_make(t);
	until(&freshes, 1);
	fresh_down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&freshes, 2);
	fresh_down(T3OPS_STEP_CONNECT, T3OPS_R_LOCAL, 0);
	until(&freshes, 3);
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	leg_done();
}

/* A missing heartbeat asks for one at once, whose one failure counts; how far it came is told soon. */
static void test_fresh_when_late(void **state)
{
	const struct timing t = {5 * MS, NEVER, 10 * MS, NEVER, 30 * MS};
	const struct event *e;
	uint64_t before_us;

	(void)state;
	fresh_every = NEVER;
	fresh_make(t);
	expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, 0);
	until(&freshes, 1);
	before_us = clock_mono_us();
	host.leg_reached(&instance.ctx, leg, T3OPS_STEP_HTTP);
	e = expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, 0);
	assert_true(e->rtt_us > 0 && e->rtt_us <= clock_mono_us() - before_us);
	fresh_down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 502);
	expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0);
	leg_done();
}

/* So does the monitor's probe, unless one was begun since. */
static void test_fresh_when_asked(void **state)
{
	uint64_t since_us;

	(void)state;
	fresh_every = NEVER;
	fresh_make(calm);
	since_us = clock_mono_us();
	probe(since_us);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	until(&freshes, 1);
	probe(since_us); /* the one that runs will do */
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	probe(clock_mono_us()); /* this one will not */
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	fresh_down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	until(&freshes, 2);
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0); /* the leg ends: whatever comes of it is nothing */
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	fresh_up();
	until(&closes, 1);
	leg_done();
}

/* ---- tests: how far a heartbeat got ---------------------------------------------------------------------- */

static void late_is_traced(bool acked, unsigned trace)
{
	const struct event *e;

	acknowledges = acked;
	leg->carrier = (struct t3ops_ws *)(void *)&acknowledges;
	until(&n_reported, n_read + 2);
	assert_int_equal(reported[n_read++].e.kind, EVENT_LEG_LATE);
	e = &reported[n_read++].e;
	assert_int_equal(e->kind, EVENT_LEG_TRACED);
	assert_int_equal(e->code, trace);
	assert_string_equal(e->text, beat_trace_sentence(trace));
}

static void test_traced(void **state)
{
	const struct timing t = {5 * MS, NEVER, 10 * MS, 5 * MS, NEVER};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	late_is_traced(true, BEAT_ACKNOWLEDGED);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	late_is_traced(false, BEAT_NOT_ACKNOWLEDGED);
	host.leg_beat(&instance.ctx, leg, T3OPS_BEAT_ANSWERED);
	assert_int_equal(reported[n_read++].e.code, BEAT_ANSWER_LOST);
	host.leg_beat(&instance.ctx, leg, T3OPS_BEAT_NOT_ARRIVED);
	assert_int_equal(reported[n_read++].e.code, BEAT_NOT_ARRIVED);
	host.leg_beat(&instance.ctx, leg, 99);
	assert_int_equal(n_reported, n_read);
	leg_done();
}

static void test_stamps(void **state)
{
	uint64_t sent_us = clock_mono_us() - 2000;

	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	host.leg_stamps(&instance.ctx, leg, sent_us, 70000, 69000); /* answered before it came */
	shown("t3ops_leg_residence_seconds", false);
	host.leg_stamps(&instance.ctx, leg, sent_us, 70000, 74000);
	shown("t3ops_leg_residence_seconds_bucket{leg=\"serve\",le=\"0.0025\"} 0\n", true);
	shown("t3ops_leg_residence_seconds_bucket{leg=\"serve\",le=\"0.005\"} 1\n", true);
	shown("t3ops_leg_way_variation_seconds_count{leg=\"serve\",way=\"out\"} 1\n", true);
	leg_done();
}

/* ---- tests: large messages ---------------------------------------------------------------------------- */

static void large(uint32_t fate)
{
	host.leg_large(&instance.ctx, leg, fate, 2500);
}

/* One that is lost may be anything; the second one is news, and what ends it. */
static void test_large(void **state)
{
	(void)state;
	fresh_every = NEVER;
	fresh_make(calm);
	large(T3OPS_LARGE_ANSWERED);
	expect(EVENT_LEG_LARGE, 0, T3OPS_R_NONE, 0);
	assert_true(reported[n_read - 1].quiet);
	large(T3OPS_LARGE_LOST_OUT);
	for (int i = 0; i < 2; i++) {
		large(i == 0 ? T3OPS_LARGE_LOST_BACK : T3OPS_LARGE_LOST_OUT);
		assert_string_equal(expect(EVENT_LEG_LARGE_LOST, 0, T3OPS_R_LARGE_LOST, 0)->text,
		                    i == 0 ? "lost on the way back" : "lost on the way there");
		assert_int_equal(reported[n_read - 1].quiet, i > 0);
	}
	shown("t3ops_leg_large_answered{leg=\"serve\"} 0\n", true);
	shown("t3ops_leg_large_lost_total{leg=\"serve\",way=\"out\"} 2\n", true);
	large(T3OPS_LARGE_ANSWERED);
	assert_int_equal(expect(EVENT_LEG_LARGE, 0, T3OPS_R_NONE, 0)->age_us, 2500);
	assert_false(reported[n_read - 1].quiet);
	leg_done();
}

/* One on a connection that was asked for counts at once. */
static void test_large_when_asked(void **state)
{
	(void)state;
	fresh_every = NEVER;
	fresh_make(calm);
	probe(clock_mono_us());
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	until(&freshes, 1);
	assert_true(thorough);
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	large(T3OPS_LARGE_LOST_OUT);
	expect(EVENT_LEG_LARGE_LOST, 0, T3OPS_R_LARGE_LOST, 0);
	leg_done();
}

/* ---- tests: the rest -------------------------------------------------------------------------------- */

/* Every lookup is evidence, a change is news. */
static void test_resolver(void **state)
{
	static const bool answers[] = {true, true, false, false, true, true},
	                  quiet[] = {true, true, false, true, false, true};

	(void)state;
	leg_make(calm, NULL);
	for (int i = 0; i < 6; i++) {
		host.leg_resolver(&instance.ctx, leg, answers[i], answers[i] ? "" : "it said nothing");
		expect(EVENT_LEG_RESOLVER, 0, answers[i] ? T3OPS_R_NONE : T3OPS_R_DNS, 0);
		assert_string_equal(reported[i].e.text, answers[i] ? "" : "it said nothing");
		assert_int_equal(reported[i].quiet, quiet[i]);
	}
	leg_done();
}

static void test_user_and_metrics(void **state)
{
	const struct user alice = {.name = "alice", .host = "127.0.0.1", .port = 4101};

	(void)state;
	leg_make(calm, &alice);
	assert_string_equal(host.leg_user(&instance.ctx, leg)->name, "alice");
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"} 0\n", true);
	up();
	assert_string_equal(expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0)->user, "alice");
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"} 1\n", true);
	shown("t3ops_leg_connected{leg=\"serve\",user=\"alice\"} 1\n", true);
	probe(0);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	shown("t3probe_rtt_seconds_count{leg=\"serve\",user=\"alice\"} 1\n", true);
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"} 0\n", true);
	shown("t3probe_disconnects_total{leg=\"serve\",user=\"alice\",reason=\"eof\"} 1\n", true);
	shown("t3probe_last_disconnect_timestamp{leg=\"serve\",user=\"alice\"} 0\n", false);
	leg_free(leg, true);
	expect(EVENT_LEG_GONE, 0, T3OPS_R_NONE, 0);
	assert_int_equal(closes, opens);
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"}", false);
}

/* increase() sees the first step of a counter only if it was there before, at 0. */
static void counters_at_0(const char *family, const char *more, bool are)
{
	char line[160];

	for (unsigned r = T3OPS_R_CLOSED; r <= T3OPS_R_LOCAL; r++) {
		snprintf(line, sizeof line, "%s{leg=\"serve\",user=\"%s\",reason=\"%s\"} 0\n", family, more,
		         reason_label(r));
		shown(line, are);
	}
}

static void test_counters_from_the_start(void **state)
{
	const struct user carol = {.name = "carol", .host = "127.0.0.1", .port = 4102};

	(void)state;
	for (int fresh = 1; fresh >= 0; fresh--) {
		fresh_every = fresh ? NEVER : 0;
		leg_make(calm, &carol);
		counters_at_0("t3ops_leg_disconnects_total", "carol", true);
		counters_at_0("t3probe_disconnects_total", "carol", true);
		counters_at_0("t3ops_leg_fresh_failures_total", "carol", fresh);
		shown("t3ops_leg_disconnects_total{leg=\"serve\",user=\"carol\",reason=\"address_changed\"} 0\n",
		      true);
		shown("t3ops_leg_disconnects_total{leg=\"serve\",user=\"carol\",reason=\"client_eof\"}", false);
		shown("t3ops_leg_large_lost_total{leg=\"serve\",user=\"carol\",way=\"back\"} 0\n", fresh);
		leg_free(leg, true);
		expect(EVENT_LEG_GONE, 0, T3OPS_R_NONE, 0);
		shown("user=\"carol\"", false);
	}
}

static int setup(void **state)
{
	(void)state;
	process.loop = ev_loop_new(0);
	process.metrics = metrics_new();
	instance.plugin = (struct t3ops_plugin){
	    .leg_open = on_open, .leg_ping = on_ping, .leg_close = on_close, .leg_fresh = on_fresh};
	instance.ctx = (struct t3ops_ctx){.host = &host, .instance = &instance, .name = "serve"};
	leg_services_fill(&host);
	return process.loop && process.metrics ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	metrics_free(process.metrics);
	ev_loop_destroy(process.loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_heartbeats),
	    cmocka_unit_test(test_watchdog),
	    cmocka_unit_test(test_late_and_back),
	    cmocka_unit_test(test_attempts),
	    cmocka_unit_test(test_no_lookup_no_dns),
	    cmocka_unit_test(test_moved),
	    cmocka_unit_test(test_sent_away),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_probe_while_up),
	    cmocka_unit_test(test_probe_discounts_an_older_heartbeat),
	    cmocka_unit_test(test_probe_unanswered),
	    cmocka_unit_test(test_elsewhere_is_never_late),
	    cmocka_unit_test(test_probe_while_paused),
	    cmocka_unit_test(test_probe_while_opening),
	    cmocka_unit_test(test_resolver),
	    cmocka_unit_test(test_user_and_metrics),
	    cmocka_unit_test(test_fresh_at_an_interval),
	    cmocka_unit_test(test_retry),
	    cmocka_unit_test(test_up_is_a_sign),
	    cmocka_unit_test(test_fresh_retry),
	    cmocka_unit_test(test_fresh_is_off),
	    cmocka_unit_test(test_fresh_fails),
	    cmocka_unit_test(test_fresh_inconclusive),
	    cmocka_unit_test(test_fresh_when_late),
	    cmocka_unit_test(test_fresh_when_asked),
	    cmocka_unit_test(test_traced),
	    cmocka_unit_test(test_stamps),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_large_when_asked),
	    cmocka_unit_test(test_counters_from_the_start),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
