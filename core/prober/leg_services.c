/* SPDX-License-Identifier: MIT */
/* What a leg plugin calls; see leg_services.h. */
#include "prober/leg_services.h"

#include "plugin_host/plugin_struct.h"
#include "prober/leg.h"
#include "prober/leg_certificate.h"
#include "prober/leg_fresh.h"
#include "prober/leg_report.h"
#include "prober/leg_trace.h"

static const struct t3ops_user *user_get(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx;
	return leg->per_user ? &leg->user_view : NULL;
}

static void state_set(struct t3ops_ctx *ctx, struct t3ops_leg *leg, void *state)
{
	(void)ctx;
	leg->plugin_state = state;
}

static void *state_get(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx;
	return leg->plugin_state;
}

static void reached(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t step)
{
	(void)ctx;
	leg_reach(leg, step);
}

static void up(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx;
	leg_establish(leg);
}

static void pong(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t rtt_us)
{
	(void)ctx;
	leg_answer(leg, rtt_us);
}

/* A leg without resolver segments looks no name up: what fails before it connects is connecting. */
static void end_take(const struct t3ops_leg *leg, const struct t3ops_ws_end *end, struct t3ops_ws_end *seen)
{
	plugin_struct_take(seen, sizeof *seen, end);
	if (!leg->looks_up && seen->step < T3OPS_STEP_CONNECT)
		seen->step = T3OPS_STEP_CONNECT;
	if (!leg->looks_up && seen->reason == T3OPS_R_DNS)
		seen->reason = T3OPS_R_UNREACHABLE;
}

static void down(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	struct t3ops_ws_end seen;

	(void)ctx;
	end_take(leg, end, &seen);
	leg_fail(leg, &seen);
}

static void fresh_up(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t took_us)
{
	(void)ctx;
	leg_fresh_works(leg, took_us);
}

static void fresh_down(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_end *end)
{
	struct t3ops_ws_end seen;

	(void)ctx;
	end_take(leg, end, &seen);
	leg_fresh_fail(leg, &seen);
}

static void certificate(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t until_us)
{
	(void)ctx;
	leg_certificate_see(leg, until_us);
}

static void location(struct t3ops_ctx *ctx, struct t3ops_leg *leg, const char *cf_ray)
{
	(void)ctx;
	if (cf_ray)
		leg_locate(leg, cf_ray);
}

static void large(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate, uint64_t took_us)
{
	(void)ctx;
	leg_fresh_large(leg, fate, took_us);
}

static void resolver(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool ok, const char *text)
{
	(void)ctx;
	leg_report_resolver(leg, ok, text);
}

static void beat(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint32_t fate)
{
	(void)ctx;
	leg_trace_beat(leg, fate);
}

static void stamps(struct t3ops_ctx *ctx, struct t3ops_leg *leg, uint64_t sent_us, uint64_t received_us,
                   uint64_t answered_us)
{
	(void)ctx;
	leg_trace_stamps(leg, sent_us, received_us, answered_us);
}

void leg_services_fill(struct t3ops_host *s)
{
	s->leg_user = user_get;
	s->leg_set = state_set;
	s->leg_get = state_get;
	s->leg_reached = reached;
	s->leg_up = up;
	s->leg_pong = pong;
	s->leg_down = down;
	s->leg_resolver = resolver;
	s->leg_fresh_up = fresh_up;
	s->leg_fresh_down = fresh_down;
	s->leg_large = large;
	s->leg_beat = beat;
	s->leg_stamps = stamps;
	s->leg_certificate = certificate;
	s->leg_location = location;
}
