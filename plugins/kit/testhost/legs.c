/* SPDX-License-Identifier: MIT */
/* The prober: legs, in the states of the daemon's own. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "legs.h"
#include "table.h"
#include "plugin_host/plugin_struct.h"

struct t3ops_leg {
	struct testhost_due due; /* first: leg_close, which comes from the loop */
	struct testhost *h;
	const struct t3ops_user *user;
	void *state;
	struct testhost_leg_seen seen;
	bool pinged, fresh;
};

/* ---- what the test does ---------------------------------------------------------------------------------- */

static void close_it(struct testhost *h, struct t3ops_leg *leg)
{
	testhost_due_stop(h, &leg->due);
	leg->pinged = leg->fresh = false;
	h->plugin->leg_close(&h->ctx, leg);
	leg->seen.state = TESTHOST_LEG_PAUSED;
}

static void on_close(struct testhost *h, struct testhost_due *d)
{
	close_it(h, (struct t3ops_leg *)d);
}

struct t3ops_leg *testhost_leg(struct testhost *h, const char *user)
{
	struct t3ops_leg *leg = testhost_alloc(h, sizeof *leg);

	if (!(h->plugin->roles & T3OPS_ROLE_LEG))
		testhost_die(h, "the test makes a leg, and this plugin is none");
	leg->h = h;
	leg->due.fire = on_close;
	leg->user = user != NULL ? testhost_user_get(h, user) : NULL;
	if (user != NULL && leg->user == NULL)
		testhost_die(h, "the test makes a leg of user %s: testhost_user comes first", user);
	testhost_list_add(&h->legs, leg);
	return leg;
}

const struct testhost_leg_seen *testhost_leg_seen(const struct t3ops_leg *leg)
{
	return &leg->seen;
}

void testhost_leg_open(struct testhost *h, struct t3ops_leg *leg)
{
	if (!h->running || leg->seen.state != TESTHOST_LEG_PAUSED)
		testhost_die(h, "the test opens a leg that is open, or before testhost_start");
	leg->seen.state = TESTHOST_LEG_OPENING;
	leg->seen.step = T3OPS_STEP_DNS;
	h->plugin->leg_open(&h->ctx, leg);
}

void testhost_leg_ping(struct testhost *h, struct t3ops_leg *leg)
{
	if (leg->seen.state != TESTHOST_LEG_UP)
		testhost_die(h, "the test asks a leg that is not up for a heartbeat");
	if (leg->pinged)
		return;
	leg->pinged = true;
	h->plugin->leg_ping(&h->ctx, leg);
}

void testhost_leg_fresh(struct testhost *h, struct t3ops_leg *leg, bool thorough)
{
	if (leg->seen.state != TESTHOST_LEG_UP || h->plugin->leg_fresh == NULL)
		testhost_die(h, "the test asks for a fresh connection of a leg that is not up, or makes none");
	leg->fresh = true;
	h->plugin->leg_fresh(&h->ctx, leg, thorough);
}

void testhost_leg_close(struct testhost *h, struct t3ops_leg *leg)
{
	if (leg->seen.state == TESTHOST_LEG_PAUSED)
		testhost_die(h, "the test closes a leg that is not open");
	close_it(h, leg);
}

/* ---- services -------------------------------------------------------------------------------------------- */

static const struct t3ops_user *leg_user(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx;
	return leg->user;
}

static void leg_set(struct t3ops_ctx *ctx, struct t3ops_leg *leg, void *state)
{
	(void)ctx;
	leg->state = state;
}

static void *leg_get(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx;
	return leg->state;
}

static void leg_reached(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t step)
{
	(void)ctx;
	if (leg->seen.state == TESTHOST_LEG_OPENING && step > leg->seen.step)
		leg->seen.step = step;
}

static void leg_up(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	if (leg->seen.state != TESTHOST_LEG_OPENING) {
		testhost_bug(testhost_of(ctx), "leg_up of a leg that is not opening");
		return;
	}
	leg->seen.state = TESTHOST_LEG_UP;
	leg->seen.step = T3OPS_STEP_OPEN;
	leg->seen.ups++;
}

static void leg_pong(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t rtt_us)
{
	if (leg->seen.state != TESTHOST_LEG_UP || !leg->pinged) {
		testhost_bug(testhost_of(ctx), "leg_pong without a heartbeat that is out");
		return;
	}
	leg->pinged = false;
	leg->seen.pongs++;
	leg->seen.rtt_us = rtt_us;
}

static void leg_down(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	struct testhost *h = testhost_of(ctx);
	struct t3ops_ws_end known;

	if (leg->seen.state != TESTHOST_LEG_OPENING && leg->seen.state != TESTHOST_LEG_UP) {
		testhost_bug(h, "leg_down of a leg that is down");
		return;
	}
	plugin_struct_take(&known, sizeof known, end);
	if (known.reason == T3OPS_R_NONE)
		testhost_bug(h, "leg_down without a reason");
	leg->seen.state = TESTHOST_LEG_ENDED;
	leg->seen.downs++;
	leg->seen.end_step = known.step;
	leg->seen.reason = known.reason;
	leg->seen.code = known.code;
	snprintf(leg->seen.text, sizeof leg->seen.text, "%s", known.text != NULL ? known.text : "");
	leg->pinged = leg->fresh = false;
	testhost_due_set(h, &leg->due, 0);
}

static void leg_resolver(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool ok, const char *text)
{
	(void)ctx, (void)text;
	*(ok ? &leg->seen.resolver_ok : &leg->seen.resolver_failed) += 1;
}

/* Whether one was asked for: it ends once. */
static bool fresh_end(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	bool asked = leg->fresh;

	if (!asked)
		testhost_bug(testhost_of(ctx), "the end of a fresh connection that nobody asked for");
	leg->fresh = false;
	return asked;
}

static void leg_fresh_up(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t took_us)
{
	if (!fresh_end(ctx, leg))
		return;
	leg->seen.fresh_ups++;
	leg->seen.fresh_us = took_us;
}

static void leg_fresh_down(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	struct t3ops_ws_end known;

	if (!fresh_end(ctx, leg))
		return;
	plugin_struct_take(&known, sizeof known, end);
	leg->seen.fresh_downs++;
	leg->seen.fresh_step = known.step;
	leg->seen.fresh_reason = known.reason;
}

static void leg_certificate(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t until_us)
{
	(void)ctx;
	if (until_us != 0)
		leg->seen.certificate_until_us = until_us;
}

static void leg_location(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const char *cf_ray)
{
	(void)ctx;
	if (cf_ray != NULL)
		snprintf(leg->seen.location, sizeof leg->seen.location, "%s", cf_ray);
}

static void leg_large(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate, uint64_t took_us)
{
	(void)ctx, (void)took_us;
	leg->seen.larges++;
	leg->seen.large = fate;
}

static void leg_carrier(struct t3ops_ctx *ctx, struct t3ops_leg *leg, struct t3ops_ws *ws)
{
	(void)ctx;
	leg->seen.carrier = ws;
}

static void leg_beat(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate)
{
	(void)ctx;
	leg->seen.beat = fate;
}

static void leg_stamps(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t sent_us, uint64_t received_us,
                       uint64_t answered_us)
{
	(void)ctx, (void)leg, (void)sent_us, (void)received_us, (void)answered_us;
}

void testhost_legs_fill(struct t3ops_host *s)
{
	s->leg_user = leg_user;
	s->leg_set = leg_set;
	s->leg_get = leg_get;
	s->leg_reached = leg_reached;
	s->leg_up = leg_up;
	s->leg_pong = leg_pong;
	s->leg_down = leg_down;
	s->leg_resolver = leg_resolver;
	s->leg_fresh_up = leg_fresh_up;
	s->leg_fresh_down = leg_fresh_down;
	s->leg_certificate = leg_certificate;
	s->leg_location = leg_location;
	s->leg_large = leg_large;
	s->leg_carrier = leg_carrier;
	s->leg_beat = leg_beat;
	s->leg_stamps = leg_stamps;
}

void testhost_legs_release(struct testhost *h)
{
	for (size_t i = 0; i < h->legs.n; i++) {
		struct t3ops_leg *leg = h->legs.items[i];

		if (leg->seen.state != TESTHOST_LEG_PAUSED)
			close_it(h, leg);
	}
}
