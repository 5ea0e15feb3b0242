/* SPDX-License-Identifier: MIT */
/*
 * session_check: when a page is opened, asks the user's t3 server whether the browser's session is alive, and has it
 * paired again if the t3 server definitely says no.  Everything else (a timeout, a 500, garbage) lets the request
 * pass: a session is not declared dead on suspicion.  Requests of pages that are open already: heal.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/marker.h"
#include "common/navigation.h"
#include "session_check/heal.h"

#define LOOP_RETRY_S    45 /* the mark of the redirect is old by then */
#define LOOP_REPORTS_US UINT64_C(60000000)

/* A navigation that waits. */
struct pending_navigation {
	struct t3ops_ctx *ctx;
	t3ops_request_id request;
	uint64_t cookie_key;
	char user[T3OPS_USER_NAME_SIZE];
};

/* ---- a dead session ------------------------------------------------------------------------------------- */

/* The session has ended and none can be made: the way in that is left is t3's own. */
static void failure_explain(const struct pending_navigation *n, const struct t3ops_paired *paired)
{
	char text[600];
	struct t3ops_page page = {.struct_size = sizeof page,
	                          .status = 502,
	                          .title = "Your session has ended and could not be replaced",
	                          .text = text,
	                          .link_target = PAIRING_SCREEN,
	                          .link_text = PAIRING_LINK};

	snprintf(text, sizeof text,
	         "Your t3 server no longer honours this browser's session, and a new one could not be made: %s.",
	         paired->text);
	n->ctx->host->request_explain(n->ctx, n->request, &page);
}

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct pending_navigation *n = arg;
	const struct t3ops_host *host = n->ctx->host;

	if (paired->result == T3OPS_PAIR_OK &&
	    request_redirect_to_itself(n->ctx, n->request, paired->set_cookie) == 0)
		host->count(n->ctx, METRIC_HEALED, NULL, 1);
	else if (paired->result == T3OPS_PAIR_OK || paired->result == T3OPS_PAIR_NO_COOKIE ||
	         paired->result == T3OPS_PAIR_UNREACHABLE || request_is_pairing_screen(n->ctx, n->request))
		host->request_resume(n->ctx, n->request);
	else if (paired->result == T3OPS_PAIR_HELD)
		request_explain_held(n->ctx, n->request);
	else
		failure_explain(n, paired);
	free(n);
}

/* A session that was made a moment ago is dead, too. */
static void loop_explain(struct pending_navigation *n)
{
	static const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 502,
	    .title = "Your t3 server does not keep the session",
	    .text = "Your t3 server rejects every session, even one that was made a moment ago. Its database may be "
	            "damaged, or written by a newer version. Please tell the operator of this site.",
	    .retry_s = LOOP_RETRY_S};
	struct session_check *s = n->ctx->state;
	uint64_t now_us = n->ctx->host->now_us(n->ctx);

	if (s->loop_reported_us == 0 || now_us - s->loop_reported_us >= LOOP_REPORTS_US) {
		s->loop_reported_us = now_us;
		n->ctx->host->emit(n->ctx, "session_expired", n->user, 502,
		                   "loop: the t3 server does not accept a fresh session either");
	}
	n->ctx->host->request_explain(n->ctx, n->request, &page);
	free(n);
}

static void dead(struct pending_navigation *n)
{
	struct session_check *s = n->ctx->state;
	const struct t3ops_host *host = n->ctx->host;
	struct t3ops_user user = {.struct_size = sizeof user};
	struct t3ops_browser browser = {.struct_size = sizeof browser};

	if (!host->request_user(n->ctx, n->request, &user)) {
		free(n); /* the browser has left */
	} else if (request_marker(n->ctx, n->request) == MARKER_FRESH) {
		loop_explain(n);
	} else {
		host->emit(n->ctx, "session_expired", n->user, 0, "the t3 server no longer honours the cookie");
		host->request_browser(n->ctx, n->request, &browser);
		s->pairing->pair(s->pairing->provider, &user, &browser, on_paired, n);
	}
}

/* ---- checks --------------------------------------------------------------------------------------------- */

/* Newer t3 servers rename the cookie with their answer. */
static void alive(struct pending_navigation *n, const struct t3ops_session_state *state)
{
	struct session_check *s = n->ctx->state;
	const struct t3ops_host *host = n->ctx->host;

	if (state->set_cookie[0] != '\0') {
		request_resume_with_session(n->ctx, n->request, state->cookie_name, state->set_cookie);
	} else {
		s->alive[n->cookie_key % ALIVE_ROWS] = (struct alive){n->cookie_key,
		                                                      host->now_us(n->ctx) + s->trust_us};
		host->request_resume(n->ctx, n->request);
	}
	free(n);
}

static void on_checked(void *arg, const struct t3ops_session_state *state)
{
	struct pending_navigation *n = arg;

	if (!n->ctx->state) { /* stopped meanwhile */
		free(n);
	} else if (state->session == T3OPS_SESSION_DEAD) {
		heal_count_check(n->ctx, T3OPS_SESSION_DEAD, 1);
		dead(n);
	} else if (state->session == T3OPS_SESSION_ALIVE) {
		heal_count_check(n->ctx, T3OPS_SESSION_ALIVE, 1);
		alive(n, state);
	} else {
		heal_count_check(n->ctx, T3OPS_SESSION_UNKNOWN, 1);
		n->ctx->host->request_resume(n->ctx, n->request);
		free(n);
	}
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct session_check *s = ctx->state;
	struct t3ops_user user = {.struct_size = sizeof user};
	const char *cookies = ctx->host->request_header(ctx, r, "Cookie");
	struct pending_navigation *n;
	uint64_t key;

	if (heal_is_paused(ctx, r))
		return heal_refuse(ctx, r);
	if (!ctx->host->request_user(ctx, r, &user) || !request_is_navigation(ctx, r) ||
	    request_has_credential(ctx, r) || !heal_has_session_cookie(ctx, cookies, &user))
		return T3OPS_NEXT;
	key = heal_cookie_key(ctx, &user, cookies);
	if (s->alive[key % ALIVE_ROWS].key == key && ctx->host->now_us(ctx) < s->alive[key % ALIVE_ROWS].until_us)
		return T3OPS_NEXT;
	n = calloc(1, sizeof *n);
	if (!n)
		return T3OPS_NEXT;
	*n = (struct pending_navigation){.ctx = ctx, .request = r, .cookie_key = key};
	snprintf(n->user, sizeof n->user, "%s", user.name);
	s->pairing->check(s->pairing->provider, &user, cookies, on_checked, n);
	return T3OPS_WAIT;
}

/* So that increase() sees the first step of each. */
static void checks_begin(struct t3ops_ctx *ctx)
{
	for (uint32_t r = T3OPS_SESSION_UNKNOWN; r <= T3OPS_SESSION_DEAD; r++)
		heal_count_check(ctx, r, 0);
}

static int init(struct t3ops_ctx *ctx)
{
	struct session_check *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->trust_us = (uint64_t)ctx->host->opt_int(ctx, "trust");
	ctx->state = s;
	checks_begin(ctx);
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
	free(ctx->state);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"trust", T3OPS_OPT_DURATION, "5s", 0, 600000000, "How long a session that was alive is not asked about again."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_CHECKS] =
        {.name = "t3ops_session_checks_total",
         .type = T3OPS_COUNTER,
         .labels = {"result"},
         .help = "Sessions asked about: alive, dead, or unknown (the t3 server gave no definite answer)."},
    [METRIC_HEALED] =
        {.name = "t3ops_session_healed_total",
         .type = T3OPS_COUNTER,
         .help = "Dead sessions replaced: before a page was opened, or for a request that the t3 server refused."},
};

T3OPS_PLUGIN(session_check) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "session_check",
    .version = PACKAGE_VERSION,
    .summary = "replaces sessions that the t3 server no longer honours",
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
