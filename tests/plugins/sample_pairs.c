/* SPDX-License-Identifier: MIT */
/* A leg and a job in one, which both pair through the service of another plugin. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

struct pairs {
	struct pairs *next;    /* of all legs there ever were */
	struct t3ops_leg *leg; /* NULL: in a job, or closed */
	bool done;
	struct t3ops_ctx *ctx;
	struct t3ops_paired paired;
	char cookie[1024], endpoint[64];
	uint32_t session;
};

static const struct t3ops_pairing *pairing(struct t3ops_ctx *ctx)
{
	return ctx->host->service(ctx, T3OPS_SERVICE_PAIRING);
}

/* ---- as a leg: up when it is paired; a heartbeat asks whether the session is alive ------------------- */

static void leg_fail(struct pairs *p, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = T3OPS_STEP_HTTP, .reason = T3OPS_R_HTTP_STATUS, .text = text};

	p->ctx->host->leg_down(p->ctx, p->leg, &end);
}

static void cookie_take(struct pairs *p, const struct t3ops_paired *paired)
{
	snprintf(p->cookie, sizeof p->cookie, "%.*s", (int)strcspn(paired->set_cookie, ";"), paired->set_cookie);
	snprintf(p->endpoint, sizeof p->endpoint, "%s", paired->endpoint);
	p->paired = *paired;
	p->done = true;
}

static void on_leg_paired(void *arg, const struct t3ops_paired *paired)
{
	struct pairs *p = arg;

	cookie_take(p, paired);
	if (p->leg == NULL)
		return;
	if (paired->result == T3OPS_PAIR_OK)
		p->ctx->host->leg_up(p->ctx, p->leg);
	else
		leg_fail(p, paired->text);
}

static struct pairs *all_legs; /* whoever is asked still answers: none is ever freed */

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct pairs *p = calloc(1, sizeof *p);

	*p = (struct pairs){.next = all_legs, .ctx = ctx, .leg = leg};
	all_legs = p;
	ctx->host->leg_set(ctx, leg, p);
	pairing(ctx)->pair(pairing(ctx)->provider, ctx->host->leg_user(ctx, leg), NULL, on_leg_paired, p);
}

static void on_leg_checked(void *arg, const struct t3ops_session_state *state)
{
	struct pairs *p = arg;

	if (p->leg == NULL)
		return;
	if (state->session == T3OPS_SESSION_ALIVE)
		p->ctx->host->leg_pong(p->ctx, p->leg, 1000);
	else
		leg_fail(p, "the session is gone");
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct pairs *p = ctx->host->leg_get(ctx, leg);

	pairing(ctx)->check(pairing(ctx)->provider, ctx->host->leg_user(ctx, leg), p->cookie, on_leg_checked, p);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct pairs *p = ctx->host->leg_get(ctx, leg);

	p->leg = NULL;
	ctx->host->leg_set(ctx, leg, NULL);
}

/* ---- as a job ---------------------------------------------------------------------------------------- */

static void on_job_paired(void *arg, const struct t3ops_paired *paired)
{
	struct pairs *p = arg;

	cookie_take(p, paired);
	if (paired->result != T3OPS_PAIR_OK)
		p->ctx->host->report(p->ctx, "error", "%s", paired->text);
}

static void on_job_checked(void *arg, const struct t3ops_session_state *state)
{
	struct pairs *p = arg;

	p->session = state->session;
	p->done = true;
}

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	const struct t3ops_pairing *service = pairing(ctx);
	const struct t3ops_host *host = ctx->host;
	struct t3ops_user other = {.struct_size = sizeof other};
	struct pairs p = {.ctx = ctx};

	service->pair(service->provider, user, NULL, on_job_paired, &p);
	if (host->wait(ctx, &p.done, 20000000) < 0)
		return -ETIMEDOUT;
	if (p.paired.result != T3OPS_PAIR_OK)
		return -EPROTO;
	p.done = false;
	service->check(service->provider, user, p.cookie, on_job_checked, &p);
	if (host->wait(ctx, &p.done, 20000000) < 0)
		return -ETIMEDOUT;
	host->report(ctx, "endpoint", "%s", p.endpoint);
	host->report(ctx, "session", "%s", p.session == T3OPS_SESSION_ALIVE ? "alive" : "dead");
	host->report(ctx, "itself", "%s", host->user_find(ctx, user->name, &other) ? other.name : "");
	/* for somebody else nothing is run */
	other.name = host->opt_string(ctx, "stranger");
	p.done = false;
	service->pair(service->provider, &other, NULL, on_job_paired, &p);
	if (host->wait(ctx, &p.done, 20000000) < 0)
		return -ETIMEDOUT;
	host->report(ctx, "stranger", "%s", p.paired.result == T3OPS_PAIR_OK ? "paired" : "refused");
	p.done = false;
	host->report(ctx, "limit", "%d", host->wait(ctx, &p.done, 1000));
	return 0;
}

static const struct t3ops_option options[] = {
    {"stranger", T3OPS_OPT_STRING, "mallory", 0, 0, "A user for whom the job must not be able to run anything."},
};

T3OPS_PLUGIN(sample_pairs) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG | T3OPS_ROLE_JOB,
    .name = "sample_pairs",
    .version = "1.0",
    .summary = "Pairs in the prober and in a job.",
    .needs = T3OPS_SERVICE_PAIRING,
    .options = options,
    .n_options = 1,
    .leg_flags = T3OPS_LEG_PER_USER,
    .leg_segments = "serve",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
    .run = run,
};
