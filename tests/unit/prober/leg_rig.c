/* SPDX-License-Identifier: MIT */
/* A leg whose plugin and host are played; see leg_rig.h. */
#include "leg_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../metrics_text.h"
#include "prober/leg_services.h"
#include "prober/leg_ws.h"

#define GIVE_UP 20. /* seconds; only a broken build ever waits so long */

struct reported reported[EVENTS_MAX];
int n_reported, n_read, opens, pings, closes, freshes;
uint64_t fresh_every;
bool thorough, fails_inside, acknowledges;
struct t3ops_host host;
struct t3ops_leg *leg;

static int inside; /* of callbacks of the plugin */
static struct process_config config;
static struct plugin_section section;
struct process process = {.config = &config};
struct t3ops_instance instance = {.section = &section};

const struct timing calm = {NEVER, NEVER, NEVER, NEVER, NEVER}, brisk = {5 * MS, NEVER, NEVER, 5 * MS, NEVER};

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

void down(unsigned step, unsigned reason, int code)
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

void fresh_up(void)
{
	host.leg_fresh_up(&instance.ctx, leg, 2500);
}

void fresh_down(unsigned step, unsigned reason, int code)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = "said so"};

	host.leg_fresh_down(&instance.ctx, leg, &end);
}

void pong(void)
{
	host.leg_pong(&instance.ctx, leg, 1234);
}

void up(void)
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
void until(const int *counter, int n)
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

void let_pass(double seconds)
{
	struct ev_timer over;

	ev_timer_init(&over, on_late, seconds, 0.);
	ev_now_update(process.loop);
	ev_timer_start(process.loop, &over);
	while (ev_is_active(&over))
		ev_run(process.loop, EVRUN_ONCE);
}

/* The next event, which must be this one; waits for it. */
const struct event *expect(enum event_kind kind, unsigned step, unsigned reason, uint64_t id)
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

static char *wan[] = {"wan"};

struct t3ops_leg *leg_make(struct timing t, const struct user *user)
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

void leg_done(void)
{
	leg_free(leg, false);
	assert_int_equal(closes, opens);
	assert_int_equal(n_reported, n_read);
	fresh_every = 0;
}

void probe(uint64_t since_us)
{
	leg_probe(leg, PROBE, since_us);
}

/* ---- the page of metrics ---------------------------------------------------------------------------- */

static char *page(void)
{
	size_t len;
	struct metrics *reader = metrics_open(process.metrics, PROCESS_MONITOR, true);
	char *text = metrics_text(reader, &len);

	assert_non_null(text);
	metrics_free(reader);
	return text;
}

void shown(const char *line, bool is)
{
	char *text = page();

	if ((strstr(text, line) != NULL) != is)
		fail_msg("%s: %s\n%s", is ? "missing" : "still there", line, text);
	free(text);
}

int leg_rig_setup(void **state)
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

int leg_rig_teardown(void **state)
{
	(void)state;
	metrics_free(process.metrics);
	ev_loop_destroy(process.loop);
	return 0;
}
