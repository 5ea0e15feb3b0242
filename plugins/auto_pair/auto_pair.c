/* SPDX-License-Identifier: MIT */
/*
 * auto_pair: a user without a session cookie gets one, unasked.
 *
 *   navigation       pair, Set-Cookie, 302 to the same page
 *   anything else    pair, then on to the t3 server with the new cookie, Set-Cookie on the answer; not for
 *                    requests that another site caused
 *   own credential   untouched
 *
 * Registers the pairing service (pairing.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto_pair/pairing.h"
#include "common/cookies.h"
#include "common/fresh.h"
#include "common/marker.h"
#include "common/navigation.h"

/* Before the instance has said how its cookie is called. */
#define ANY_SESSION_COOKIE "t3_session"
#define RETRY_S            3  /* for what passes by itself */
#define LOOP_RETRY_S       45 /* the mark of the redirect is old by then: it is paired anew */

struct auto_pair {
	struct pairing pairing;
	struct fresh fresh;
};

/* A request that waits for its pairing. */
struct guest {
	struct t3ops_ctx *ctx;
	t3ops_request_id request;
	bool navigation;
	uint64_t browser; /* fresh_key */
};

static void explain(const struct guest *g, const struct t3ops_paired *paired)
{
	static const struct {
		int status;
		const char *title;
	} rows[] = {
	    [T3OPS_PAIR_MINT_FAILED] = {502, "Your browser could not be paired"},
	    [T3OPS_PAIR_MINT_TIMEOUT] = {503, "Pairing took too long"},
	    [T3OPS_PAIR_REFUSED] = {502, "Your t3 server refused the pairing"},
	    [T3OPS_PAIR_UNREACHABLE] = {503, "Your t3 server does not respond"},
	    [T3OPS_PAIR_NO_ENDPOINT] = {502, "Your t3 server has another way of pairing"},
	    [T3OPS_PAIR_NO_COOKIE] = {502, "Your t3 server gave no session"},
	};
	char text[600];
	struct t3ops_page page = {.struct_size = sizeof page,
	                          .status = rows[paired->result].status,
	                          .title = rows[paired->result].title,
	                          .text = text,
	                          .retry_s = rows[paired->result].status == 503 ? RETRY_S : 0};

	snprintf(text, sizeof text, "t3ops tried to pair this browser with your t3 server: %s.", paired->text);
	g->ctx->host->request_explain(g->ctx, g->request, &page);
}

/* It goes on with that session: a navigation by way of the browser, which shows then whether it keeps the cookie. */
static void session_give(const struct guest *g, const char *cookie_name, const char *set_cookie)
{
	if (!g->navigation || request_redirect_to_itself(g->ctx, g->request, set_cookie) < 0)
		request_resume_with_session(g->ctx, g->request, cookie_name, set_cookie);
}

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct guest *g = arg;
	struct auto_pair *a = g->ctx->state;

	if (paired->result == T3OPS_PAIR_OK) {
		fresh_put(&a->fresh, g->browser, paired, g->ctx->host->now_us(g->ctx));
		session_give(g, paired->cookie_name, paired->set_cookie);
	} else if (g->navigation) {
		explain(g, paired);
	} else {
		g->ctx->host->request_resume(g->ctx, g->request); /* the t3 server says 401, as the page expects */
	}
	free(g);
}

static enum t3ops_next loop_explain(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_user *user)
{
	static const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 403,
	    .title = "Your browser does not keep the session",
	    .text = "This browser was paired with your t3 server a moment ago, but came back without the session "
	            "cookie. Please allow cookies for this site. This page tries again by itself.",
	    .retry_s = LOOP_RETRY_S};

	ctx->host->count(ctx, METRIC_LOOPS, NULL, 1);
	ctx->host->emit(ctx, "pairing_done", user->name, 403, "loop: the browser does not keep the session cookie");
	ctx->host->request_explain(ctx, r, &page);
	return T3OPS_DONE;
}

/* A request that is worth a mint: of a user, without a cookie of the session, without another credential. */
static bool needs_pairing(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_user *user)
{
	struct auto_pair *a = ctx->state;
	const struct user_state *row = pairing_user_state(&a->pairing, user);
	const char *cookies = ctx->host->request_header(ctx, r, "Cookie");
	const char *method = ctx->host->request_method(ctx, r);

	if (!row || !method || strcmp(method, "OPTIONS") == 0 || request_has_credential(ctx, r))
		return false;
	return row->announced ? !cookies_have(cookies, row->cookie_name, false)
	                      : !cookies_have(cookies, ANY_SESSION_COOKIE, true);
}

/* A page that is marked and has its session: its URL becomes as it was. */
static enum t3ops_next unmark(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	bool marked = request_is_navigation(ctx, r) && request_marker(ctx, r) != MARKER_NONE;

	return marked && request_redirect_unmarked(ctx, r) == 0 ? T3OPS_DONE : T3OPS_NEXT;
}

static enum t3ops_next pair(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_user *user)
{
	struct auto_pair *a = ctx->state;
	struct guest guest = {.ctx = ctx,
	                      .request = r,
	                      .navigation = request_is_navigation(ctx, r),
	                      .browser = fresh_key(ctx, r, user->name)};
	const struct fresh_row *fresh = fresh_find(&a->fresh, guest.browser, ctx->host->now_us(ctx));
	struct guest *g;

	if (guest.navigation && request_marker(ctx, r) == MARKER_FRESH)
		return loop_explain(ctx, r, user);
	if (fresh) {
		session_give(&guest, fresh->cookie_name, fresh->set_cookie);
		return T3OPS_WAIT;
	}
	g = malloc(sizeof *g);
	if (!g)
		return T3OPS_NEXT;
	*g = guest;
	pairing_pair(&a->pairing, user, on_paired, g);
	return T3OPS_WAIT;
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct t3ops_user user = {.struct_size = sizeof user};

	if (!ctx->host->request_user(ctx, r, &user))
		return T3OPS_NEXT;
	if (!needs_pairing(ctx, r, &user))
		return unmark(ctx, r);
	return request_is_foreign(ctx, r) ? T3OPS_NEXT : pair(ctx, r, &user);
}

static int init(struct t3ops_ctx *ctx)
{
	struct auto_pair *a = calloc(1, sizeof *a);

	if (!a)
		return -ENOMEM;
	ctx->state = a;
	if (ctx->host->opt_count(ctx, "endpoints") == 0) {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "endpoints",
		                        "empty: there is nowhere to exchange a credential");
		free(a);
		ctx->state = NULL;
		return -EINVAL;
	}
	pairing_init(&a->pairing, ctx);
	return ctx->host->provide(ctx, T3OPS_SERVICE_PAIRING, &a->pairing.service);
}

static void stop(struct t3ops_ctx *ctx)
{
	struct auto_pair *a = ctx->state;

	pairing_fini(&a->pairing);
	fresh_fini(&a->fresh);
	free(a);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"command", T3OPS_OPT_COMMAND, "mint", 0, 0, "Command that prints a pairing credential as JSON."},
    {"endpoints", T3OPS_OPT_LIST | T3OPS_OPT_URL_PATH, "/api/auth/browser-session /api/auth/bootstrap", 0, 0,
     "Paths to exchange the credential at, in this order; only a 404 leads to the next."},
    {"exchange_timeout", T3OPS_OPT_DURATION, "5s", 100000, 60000000, "Limit of one exchange."},
    {"check_timeout", T3OPS_OPT_DURATION, "2s", 100000, 60000000,
     "Limit of asking an instance whether a cookie lives."},
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
                      .help = "Navigations that ended in an explanation, because the browser keeps no cookie."},
    [METRIC_SHARED] = {.name = "t3ops_pair_shared_total",
                       .type = T3OPS_COUNTER,
                       .help = "Requests that shared a mint already under way."},
};

T3OPS_PLUGIN(auto_pair) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "auto_pair",
    .version = PACKAGE_VERSION,
    .summary = "pairs browsers with their t3 instance by itself",
    .provides = T3OPS_SERVICE_PAIRING,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .stop = stop,
    .on_request = on_request,
};
