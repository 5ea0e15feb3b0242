/* SPDX-License-Identifier: MIT */
/*
 * session_check: when a page is opened, asks the instance whether the browser's cookie still lives, and
 * pairs it again if the instance definitely says no.  Everything else (a timeout, a 500, garbage) lets
 * the request pass: a cookie is not declared dead on suspicion.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session_check/heal.h"
#include "common/cookies.h"
#include "common/marker.h"
#include "common/navigation.h"

/* A navigation that waits. */
struct pending_navigation {
	struct t3ops_ctx *ctx;
	t3ops_request_id request;
	uint64_t cookie_key, browser; /* fresh_key */
	char user[64];
};

#define LOOP_RETRY_S 45 /* the mark of the redirect is old by then */

static void count(struct t3ops_ctx *ctx, const char *result)
{
	ctx->host->count(ctx, METRIC_CHECKS, (const char *[]){result}, 1);
}

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct pending_navigation *v = arg;
	struct session_check *s = v->ctx->state;
	const struct t3ops_host *host = v->ctx->host;

	if (s && paired->result == T3OPS_PAIR_OK)
		fresh_put(&s->fresh, v->browser, paired, host->now_us(v->ctx));
	if (s && paired->result == T3OPS_PAIR_OK &&
	    request_redirect_to_itself(v->ctx, v->request, paired->set_cookie) == 0) {
		host->count(v->ctx, METRIC_HEALED, NULL, 1);
	} else {
		host->request_resume(v->ctx, v->request);
	}
	free(v);
}

static void navigation_heal(struct pending_navigation *v)
{
	static const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 502,
	    .title = "Your t3 server does not keep the session",
	    .text = "Your t3 server declares every session dead, also one that was made a moment ago. Its database "
	            "may be damaged, or newer than the program. Please tell its operator. This page tries again "
	            "by itself.",
	    .retry_s = LOOP_RETRY_S};
	struct session_check *s = v->ctx->state;
	const struct t3ops_host *host = v->ctx->host;
	struct t3ops_user user = {.struct_size = sizeof user};
	const struct fresh_row *fresh;

	if (!host->request_user(v->ctx, v->request, &user)) {
		free(v); /* the browser has left */
		return;
	}
	fresh = fresh_find(&s->fresh, v->browser, host->now_us(v->ctx));
	if (request_marker(v->ctx, v->request) == MARKER_FRESH) {
		host->request_explain(v->ctx, v->request, &page);
		host->emit(v->ctx, "session_expired", v->user, 502,
		           "loop: the t3 server accepts no fresh session either");
		free(v);
		return;
	}
	if (fresh && request_redirect_to_itself(v->ctx, v->request, fresh->set_cookie) == 0) {
		free(v);
		return;
	}
	host->emit(v->ctx, "session_expired", v->user, 0, "the instance no longer honours the cookie");
	s->pairing->pair(s->pairing->provider, &user, on_paired, v);
}

static void on_checked(void *arg, const struct t3ops_session_state *state)
{
	struct pending_navigation *v = arg;
	struct session_check *s = v->ctx->state;

	if (!s) { /* stopped meanwhile */
		free(v);
		return;
	}
	if (state->session == T3OPS_SESSION_DEAD) {
		count(v->ctx, "dead");
		navigation_heal(v);
		return;
	}
	count(v->ctx, state->session == T3OPS_SESSION_ALIVE ? "alive" : "unknown");
	if (state->session == T3OPS_SESSION_ALIVE)
		s->alive[v->cookie_key % ALIVE_ROWS] = (struct alive){v->cookie_key,
		                                                      v->ctx->host->now_us(v->ctx) + s->trust_us};
	v->ctx->host->request_resume(v->ctx, v->request);
	free(v);
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct session_check *s = ctx->state;
	struct t3ops_user user = {.struct_size = sizeof user};
	const char *cookies = ctx->host->request_header(ctx, r, "Cookie");
	struct pending_navigation *v;
	uint64_t key;

	if (heal_is_paused(ctx, r))
		return heal_refuse(ctx, r);
	if (!ctx->host->request_user(ctx, r, &user) || !request_is_navigation(ctx, r) ||
	    request_has_credential(ctx, r) || !heal_has_session_cookie(ctx, cookies, &user))
		return T3OPS_NEXT;
	key = heal_cookie_key(user.name, cookies);
	if (s->alive[key % ALIVE_ROWS].key == key && ctx->host->now_us(ctx) < s->alive[key % ALIVE_ROWS].until_us)
		return T3OPS_NEXT;
	v = calloc(1, sizeof *v);
	if (!v)
		return T3OPS_NEXT;
	*v = (struct pending_navigation){
	    .ctx = ctx, .request = r, .cookie_key = key, .browser = fresh_key(ctx, r, user.name)};
	strncpy(v->user, user.name, sizeof v->user - 1);
	s->pairing->check(s->pairing->provider, &user, cookies, on_checked, v);
	return T3OPS_WAIT;
}

static int init(struct t3ops_ctx *ctx)
{
	struct session_check *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->trust_us = (uint64_t)ctx->host->opt_int(ctx, "trust");
	ctx->state = s;
	return 0;
}

static int start(struct t3ops_ctx *ctx)
{
	struct session_check *s = ctx->state;

	s->pairing = ctx->host->service(ctx, T3OPS_SERVICE_PAIRING);
	if (s->pairing)
		return 0;
	ctx->host->option_fault(ctx, T3OPS_ERROR, NULL, "no plugin provides pairing: add plugin \"auto_pair\" {}");
	return -ENOENT;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct session_check *s = ctx->state;

	fresh_fini(&s->fresh);
	free(s);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"trust", T3OPS_OPT_DURATION, "5s", 0, 600000000, "A cookie that lived is not asked about again for this long."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_CHECKS] =
        {.name = "t3ops_session_checks_total",
         .type = T3OPS_COUNTER,
         .labels = {"result"},
         .help = "Cookies asked about: alive, dead, or unknown (the instance gave no definite answer)."},
    [METRIC_HEALED] =
        {.name = "t3ops_session_healed_total",
         .type = T3OPS_COUNTER,
         .help = "Dead cookies replaced: before a page was opened, or for a request that the t3 server refused."},
};

T3OPS_PLUGIN(session_check) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "session_check",
    .version = PACKAGE_VERSION,
    .summary = "heals a session cookie that the instance no longer honours",
    .needs = T3OPS_SERVICE_PAIRING,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .start = start,
    .stop = stop,
    .on_request = on_request,
    .on_unauthorized = heal_begin,
};
