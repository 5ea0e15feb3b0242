/* SPDX-License-Identifier: MIT */
/*
 * auto_pair: a browser without a session of its user's t3 server gets one by itself.
 *
 *   navigation       pair, then 302 to the same page with the cookie and a mark (common/marker.h)
 *     with the mark  and with a session: 302 to the page without it; without one: an explanation, no redirect
 *   anything else    if a page of this very site asks: pair, then on to the t3 server with the new cookie, which the
 *                    response carries
 *   own credential   untouched
 *
 * A cookie under the t3 server's older name may still be good: the t3 server is asked, and renews it, before anything
 * is minted.  Provides the pairing service to other plugins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto_pair/pairing.h"
#include "auto_pair/session.h"
#include "common/cookies.h"
#include "common/marker.h"
#include "common/navigation.h"

#define RETRY_S         3 /* for what passes by itself */
#define LIMIT_RETRY_S   20
#define LOOP_RETRY_S    45 /* the mark of the redirect is old by then: it is paired anew */
#define LOOP_REPORTS_US UINT64_C(60000000)

struct auto_pair {
	struct user_states users;
	struct pairing pairing;
	struct sessions sessions;
	struct t3ops_pairing service;
};

/* A request that waits. */
struct waiting {
	struct t3ops_ctx *ctx;
	t3ops_request_id request;
	bool navigation;
};

/* ---- what a person is told ------------------------------------------------------------------------------ */

static uint32_t retry_s(int status)
{
	return status == 503 ? RETRY_S : status == 429 ? LIMIT_RETRY_S : 0;
}

static void failure_explain(const struct waiting *w, const struct t3ops_paired *paired)
{
	static const struct {
		int status;
		const char *title;
	} rows[] = {
	    [T3OPS_PAIR_MINT_FAILED] = {502, "Your browser could not be paired"},
	    [T3OPS_PAIR_MINT_TIMEOUT] = {503, "Pairing took too long"},
	    [T3OPS_PAIR_REFUSED] = {502, "Your t3 server refused the pairing"},
	    [T3OPS_PAIR_UNREACHABLE] = {503, "Your t3 server does not respond"},
	    [T3OPS_PAIR_NO_ENDPOINT] = {502, "Your t3 server pairs in another way"},
	    [T3OPS_PAIR_LIMITED] = {429, "Too many browsers were paired"},
	};
	char text[800];
	struct t3ops_page page = {.struct_size = sizeof page,
	                          .status = rows[paired->result].status,
	                          .title = rows[paired->result].title,
	                          .text = text,
	                          .retry_s = retry_s(rows[paired->result].status),
	                          .link_target = PAIRING_SCREEN,
	                          .link_text = PAIRING_LINK};

	snprintf(
	    text, sizeof text,
	    "t3ops tried to pair this browser with your t3 server: %s.  If this stays, tell the administrator of "
	    "this site: the log of t3ops has the event pairing_failed.",
	    paired->text);
	w->ctx->host->request_explain(w->ctx, w->request, &page);
}

/* The browser was sent back with a cookie, and came without one.  The page reloads when the mark has aged, which is
 * another attempt. */
static enum t3ops_next loop_explain(struct t3ops_ctx *ctx, t3ops_request_id r, struct user_state *user)
{
	static const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 403,
	    .title = "Your browser does not keep the session",
	    .text = "This browser was paired with your t3 server a moment ago, but came back without the session "
	            "cookie. Please allow cookies for this site.",
	    .retry_s = LOOP_RETRY_S};
	uint64_t now_us = ctx->host->now_us(ctx);

	ctx->host->count(ctx, METRIC_LOOPS, NULL, 1);
	if (user->loop_reported_us == 0 || now_us - user->loop_reported_us >= LOOP_REPORTS_US) {
		user->loop_reported_us = now_us;
		ctx->host->emit(ctx, "pairing_failed", user->name, 403,
		                "loop: the browser does not keep the session cookie");
	}
	ctx->host->request_explain(ctx, r, &page);
	return T3OPS_DONE;
}

/* ---- pairing a request ---------------------------------------------------------------------------------- */

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct waiting *w = arg;
	const bool ok = paired->result == T3OPS_PAIR_OK;

	if (ok && w->navigation && request_redirect_to_itself(w->ctx, w->request, paired->set_cookie) == 0) {
		free(w);
		return;
	}
	if (ok) {
		request_resume_with_session(w->ctx, w->request, paired->cookie_name, paired->set_cookie);
	} else if (w->navigation && paired->result != T3OPS_PAIR_NO_COOKIE &&
	           !request_is_pairing_screen(w->ctx, w->request)) {
		if (paired->result == T3OPS_PAIR_HELD)
			request_explain_held(w->ctx, w->request);
		else
			failure_explain(w, paired);
	} else { /* the t3 server's own 401, or its pairing screen, says it better than a page of ours */
		w->ctx->host->request_resume(w->ctx, w->request);
	}
	free(w);
}

static void pair(struct waiting *w, const struct t3ops_user *user)
{
	struct auto_pair *a = w->ctx->state;
	struct t3ops_browser browser = {.struct_size = sizeof browser};

	w->ctx->host->request_browser(w->ctx, w->request, &browser);
	pairing_pair(&a->pairing, user, &browser, on_paired, w);
}

/* ---- a cookie of the older name ------------------------------------------------------------------------- */

static void on_checked(void *arg, const struct t3ops_session_state *state)
{
	struct waiting *w = arg;
	struct t3ops_user user = {.struct_size = sizeof user};

	if (state->session == T3OPS_SESSION_DEAD && w->ctx->host->request_user(w->ctx, w->request, &user)) {
		pair(w, &user);
		return;
	}
	if (state->session == T3OPS_SESSION_ALIVE && state->set_cookie[0] != '\0')
		request_resume_with_session(w->ctx, w->request, state->cookie_name, state->set_cookie);
	else
		w->ctx->host->request_resume(w->ctx, w->request);
	free(w);
}

/* ---- requests ------------------------------------------------------------------------------------------- */

static struct waiting *waiting_new(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct waiting *w = malloc(sizeof *w);

	if (w)
		*w = (struct waiting){.ctx = ctx, .request = r, .navigation = request_is_navigation(ctx, r)};
	return w;
}

/* With a session there is nothing to do, but to take a mark off that has served. */
static enum t3ops_next with_session(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	bool marked = request_is_navigation(ctx, r) && request_marker(ctx, r) != MARKER_NONE;

	return marked && request_redirect_unmarked(ctx, r) == 0 ? T3OPS_DONE : T3OPS_NEXT;
}

static enum t3ops_next without_session(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_user *user,
                                       struct user_state *state, const char *cookies)
{
	struct auto_pair *a = ctx->state;
	struct waiting *w;

	if (!request_is_wanted(ctx, r))
		return T3OPS_NEXT;
	if (request_is_navigation(ctx, r) && request_marker(ctx, r) == MARKER_FRESH)
		return loop_explain(ctx, r, state);
	w = waiting_new(ctx, r);
	if (!w)
		return T3OPS_NEXT;
	if (cookies_have(cookies, DEFAULT_COOKIE, true))
		session_ask(&a->sessions, user, cookies, on_checked, w);
	else
		pair(w, user);
	return T3OPS_WAIT;
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct auto_pair *a = ctx->state;
	const struct t3ops_host *host = ctx->host;
	struct t3ops_user user = {.struct_size = sizeof user};
	struct user_state *state = host->request_user(ctx, r, &user) ? user_state_get(&a->users, &user) : NULL;
	const char *method = host->request_method(ctx, r);
	const char *cookies = host->request_header(ctx, r, "Cookie");

	if (!state || !method || strcmp(method, "OPTIONS") == 0 || request_has_credential(ctx, r))
		return T3OPS_NEXT;
	/* until the t3 server has told its cookie's name, any that looks like one may be it */
	if (cookies_have(cookies, state->cookie_name, false) ||
	    (!state->announced && cookies_have(cookies, DEFAULT_COOKIE, true)))
		return with_session(ctx, r);
	return without_session(ctx, r, &user, state, cookies);
}

/* ---- the service ---------------------------------------------------------------------------------------- */

static void service_pair(struct t3ops_ctx *provider, const struct t3ops_user *user,
                         const struct t3ops_browser *browser, t3ops_paired_cb cb, void *arg)
{
	struct auto_pair *a = provider->state;

	pairing_pair(&a->pairing, user, browser, cb, arg);
}

static void service_check(struct t3ops_ctx *provider, const struct t3ops_user *user, const char *cookies,
                          t3ops_session_cb cb, void *arg)
{
	struct auto_pair *a = provider->state;

	session_ask(&a->sessions, user, cookies, cb, arg);
}

static const char *service_cookie_name(struct t3ops_ctx *provider, const struct t3ops_user *user)
{
	struct auto_pair *a = provider->state;
	struct user_state *state = user_state_get(&a->users, user);

	return state ? state->cookie_name : DEFAULT_COOKIE;
}

static int init(struct t3ops_ctx *ctx)
{
	struct auto_pair *a;

	if (ctx->host->opt_count(ctx, "endpoints") == 0) {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "endpoints",
		                        "empty: there is nowhere to exchange a credential");
		return -EINVAL;
	}
	a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	a->pairing = (struct pairing){ctx, &a->users};
	a->sessions = (struct sessions){.ctx = ctx, .users = &a->users};
	a->service = (struct t3ops_pairing){.struct_size = sizeof a->service,
	                                    .provider = ctx,
	                                    .pair = service_pair,
	                                    .check = service_check,
	                                    .cookie_name = service_cookie_name};
	ctx->state = a;
	pairing_begin(&a->pairing);
	return ctx->host->provide(ctx, T3OPS_SERVICE_PAIRING, &a->service);
}

static void stop(struct t3ops_ctx *ctx)
{
	struct auto_pair *a = ctx->state;

	sessions_fini(&a->sessions);
	pairing_fini(&a->pairing);
	user_states_clear(&a->users);
	free(a);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"command", T3OPS_OPT_COMMAND, "mint", 0, 0, "Command that prints a pairing credential as JSON."},
    {"endpoints", T3OPS_OPT_LIST | T3OPS_OPT_URL_PATH, "/api/auth/browser-session /api/auth/bootstrap", 0, 0,
     "Paths to exchange the credential at, in this order; only a 404 leads to the next."},
    {"exchange_timeout", T3OPS_OPT_DURATION, "5s", 100000, 60000000, "Time limit of one exchange."},
    {"max_per_minute", T3OPS_OPT_INT, "10", 0, 10000,
     "Most pairings of one user's browsers within a minute; each proxy worker has its share, rounded up; 0: no "
     "limit."},
    {"check_timeout", T3OPS_OPT_DURATION, "2s", 100000, 60000000,
     "Time limit of asking a t3 server whether a session is alive."},
};

static const double seconds[] = {0.1, 0.25, 0.5, 1, 2, 4, 8, 16};

static const struct t3ops_metric metrics[] = {
    [METRIC_PAIR] = {.name = "t3ops_pair_total",
                     .type = T3OPS_COUNTER,
                     .labels = {"result", "endpoint", "fallback"},
                     .help = "Pairings by result and by the endpoint that decided; fallback: it was not the first."},
    [METRIC_PAIR_SECONDS] = {.name = "t3ops_pair_seconds",
                             .type = T3OPS_HISTOGRAM,
                             .buckets = seconds,
                             .n_buckets = sizeof seconds / sizeof seconds[0],
                             .help = "Mint and exchange together."},
    [METRIC_LOOPS] = {.name = "t3ops_pair_loops_total",
                      .type = T3OPS_COUNTER,
                      .help = "Navigations of browsers that keep no cookie, which end in an explanation."},
    [METRIC_SHARED] = {.name = "t3ops_pair_shared_total",
                       .type = T3OPS_COUNTER,
                       .help = "Requests that were given a session made for another one of the same browser."},
};

T3OPS_PLUGIN(auto_pair) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "auto_pair",
    .version = PACKAGE_VERSION,
    .summary = "pairs browsers with their user's t3 server",
    .provides = T3OPS_SERVICE_PAIRING,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .stop = stop,
    .on_request = on_request,
};
