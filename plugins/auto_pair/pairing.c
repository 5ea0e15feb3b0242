/* SPDX-License-Identifier: MIT */
/* Mint and exchange; see pairing.h. */
#include "auto_pair/pairing.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto_pair/mint_error.h"
#include "common/cookies.h"

/* A failed pairing is not tried again for so long: a page has many requests.  What only another program can change
 * rests longer. */
#define FAILURE_HOLDS_US   UINT64_C(2000000)
#define INABILITY_HOLDS_US UINT64_C(60000000)
#define MINUTE_US          UINT64_C(60000000)

struct waiter {
	STAILQ_ENTRY(waiter) link;
	t3ops_paired_cb cb;
	void *arg;
};

/* One mint and its exchange, for one browser of a user. */
struct attempt {
	LIST_ENTRY(attempt) link;
	struct pairing *pairing;
	struct user_state *user;
	bool shared; /* with further requests of the browser; false: t3ops' own */
	struct t3ops_browser browser;
	STAILQ_HEAD(, waiter) waiters;
	size_t n_waiters;
	char *body; /* of the exchange: holds the credential */
	size_t endpoint;
	uint64_t started_us;
};

static const char *result_label(uint32_t result)
{
	static const char *const labels[] = {"ok",          "mint_failed", "mint_timeout", "refused", "unreachable",
	                                     "no_endpoint", "no_cookie",   "limited",      "held"};

	return result < sizeof labels / sizeof labels[0] ? labels[result] : "unknown";
}

/* ---- the end of an attempt ------------------------------------------------------------------------------ */

static void outcome_count(struct t3ops_ctx *ctx, uint32_t result, const char *endpoint, bool fallback, uint64_t n)
{
	ctx->host->count(ctx, METRIC_PAIR, (const char *[]){result_label(result), endpoint, fallback ? "yes" : "no"},
	                 n);
}

static void outcome_report(const struct attempt *a, const struct t3ops_paired *paired)
{
	struct t3ops_ctx *ctx = a->pairing->ctx;
	char text[512];

	outcome_count(ctx, paired->result, paired->endpoint, paired->fallback, 1);
	if (paired->result == T3OPS_PAIR_HELD)
		return; /* nothing was tried; the helper has reported it */
	ctx->host->observe(ctx, METRIC_PAIR_SECONDS, NULL, (double)(ctx->host->now_us(ctx) - a->started_us) / 1e6);
	snprintf(text, sizeof text, "%s%s%s%s%s%s%s", result_label(paired->result), paired->endpoint[0] ? " at " : "",
	         paired->endpoint, paired->fallback ? " (fallback)" : "", paired->text[0] ? ": " : "", paired->text,
	         !a->shared         ? ", for t3ops itself"
	         : a->n_waiters > 1 ? ", for several requests"
	                            : "");
	ctx->host->emit_browser(ctx, paired->result == T3OPS_PAIR_OK ? "pairing_done" : "pairing_failed",
	                        a->user->name, a->shared ? &a->browser : NULL, paired->status, text);
}

static void outcome_remember(const struct attempt *a, const struct t3ops_paired *paired)
{
	struct user_state *u = a->user;
	uint64_t now_us = a->pairing->ctx->host->now_us(a->pairing->ctx);

	u->failed_us = paired->result == T3OPS_PAIR_OK ? 0 : now_us;
	u->failed_result = paired->result;
	snprintf(u->failed_text, sizeof u->failed_text, "%s", paired->text);
	if (paired->result == T3OPS_PAIR_OK && a->shared)
		fresh_add(&u->fresh, &a->browser, paired->set_cookie, now_us);
}

static void attempt_free(struct attempt *a)
{
	if (a->body)
		explicit_bzero(a->body, strlen(a->body));
	free(a->body);
	free(a);
}

/* Answers everybody who waits.  What they do may begin the next attempt. */
static void attempt_finish(struct attempt *a, struct t3ops_paired *paired)
{
	struct waiter *w;

	paired->struct_size = sizeof *paired;
	paired->cookie_name = a->user->cookie_name;
	LIST_REMOVE(a, link);
	outcome_report(a, paired);
	outcome_remember(a, paired);
	while ((w = STAILQ_FIRST(&a->waiters))) {
		STAILQ_REMOVE_HEAD(&a->waiters, link);
		w->cb(w->arg, paired);
		free(w);
	}
	attempt_free(a);
}

static void attempt_fail(struct attempt *a, enum t3ops_pair_result result, const char *endpoint, int status,
                         const char *text)
{
	attempt_finish(a, &(struct t3ops_paired){.result = result,
	                                         .set_cookie = "",
	                                         .endpoint = endpoint,
	                                         .status = status,
	                                         .fallback = a->endpoint > 0,
	                                         .text = text});
}

/* ---- exchange ------------------------------------------------------------------------------------------- */

static void exchange_start(struct attempt *a);

static const char *endpoint_of(const struct attempt *a)
{
	return a->pairing->ctx->host->opt_item(a->pairing->ctx, "endpoints", a->endpoint);
}

/* The session's among several cookies: one that is there afterwards (not the deletion of an older one) and has its
 * name, else one that looks like a session's, else any.  Of one name the last counts. */
static const char *set_cookie_choose(const struct attempt *a, const struct t3ops_fetched *f)
{
	int64_t wall_s = (int64_t)(a->pairing->ctx->host->wall_us(a->pairing->ctx) / 1000000);
	const char *value, *named = NULL, *alike = NULL, *any = NULL;
	char name[COOKIE_NAME_SIZE];

	for (size_t i = 0; (value = f->header(f, "set-cookie", i)); i++) {
		if (!set_cookie_is_live(value, wall_s) || !set_cookie_name(value, name, sizeof name))
			continue;
		if (strcmp(name, a->user->cookie_name) == 0)
			named = value;
		else if (strncmp(name, DEFAULT_COOKIE, sizeof DEFAULT_COOKIE - 1) == 0)
			alike = value;
		else if (!any)
			any = value;
	}
	return named ? named : alike ? alike : any;
}

static void exchange_succeed(struct attempt *a, const struct t3ops_fetched *f)
{
	struct t3ops_paired paired = {.result = T3OPS_PAIR_OK,
	                              .set_cookie = set_cookie_choose(a, f),
	                              .endpoint = endpoint_of(a),
	                              .status = f->status,
	                              .fallback = a->endpoint > 0,
	                              .text = ""};
	char name[COOKIE_NAME_SIZE];

	if (!paired.set_cookie || !set_cookie_name(paired.set_cookie, name, sizeof name)) {
		attempt_fail(a, T3OPS_PAIR_NO_COOKIE, endpoint_of(a), f->status,
		             "the t3 server took the credential but set no cookie");
		return;
	}
	user_state_name_cookie(a->user, name);
	attempt_finish(a, &paired);
}

static void on_exchanged(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct attempt *a = arg;
	char text[200];

	if (f->error != 0) {
		snprintf(text, sizeof text, "the t3 server did not respond: %s", f->error_text);
		attempt_fail(a, T3OPS_PAIR_UNREACHABLE, endpoint_of(a), 0, text);
	} else if (f->status / 100 == 2) {
		exchange_succeed(a, f);
	} else if (f->status != 404) {
		snprintf(text, sizeof text, "the t3 server answered %d to a fresh credential", f->status);
		attempt_fail(a, T3OPS_PAIR_REFUSED, endpoint_of(a), f->status, text);
	} else if (++a->endpoint < ctx->host->opt_count(ctx, "endpoints")) {
		exchange_start(a); /* a 404 has not used the credential up */
	} else {
		a->endpoint--;
		attempt_fail(a, T3OPS_PAIR_NO_ENDPOINT, "", 404,
		             "the t3 server knows none of the configured endpoints");
	}
}

static void exchange_start(struct attempt *a)
{
	/* t3 keeps it with the session, for its list of devices: there a session of t3ops' own is a bot */
	char agent[sizeof a->browser.user_agent + 16];
	const char *const headers[] = {"content-type: application/json", agent, NULL};
	struct t3ops_ctx *ctx = a->pairing->ctx;
	char url[256];
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .method = "POST",
	                           .url = url,
	                           .user = a->user->name,
	                           .headers = headers,
	                           .body = a->body,
	                           .body_len = strlen(a->body),
	                           .timeout_us = (uint64_t)ctx->host->opt_int(ctx, "exchange_timeout"),
	                           .fresh = true};

	snprintf(agent, sizeof agent, "user-agent: %s",
	         !a->shared                 ? PACKAGE_NAME "/" PACKAGE_VERSION " (bot)"
	         : a->browser.user_agent[0] ? a->browser.user_agent
	                                    : PACKAGE_NAME "/" PACKAGE_VERSION);
	user_state_url(a->user, endpoint_of(a), url, sizeof url);
	ctx->host->fetch(ctx, &what, on_exchanged, a);
}

/* ---- mint ----------------------------------------------------------------------------------------------- */

/* The exchange's body from the command's output; NULL if there is no credential in it. */
static char *body_make(const char *out, size_t len)
{
	json_t *minted = json_loadb(out, len, 0, NULL), *body;
	const char *credential = json_string_value(json_object_get(minted, "credential"));
	char *text;

	body = credential ? json_pack("{s:s}", "credential", credential) : NULL;
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	json_decref(minted);
	return text;
}

/* "the mint command failed: Failed to create pairing link: ..." */
static void mint_fail(struct attempt *a, const struct t3ops_ran *ran)
{
	char text[FAILURE_SIZE], why[200];

	if (ran->error == -EBUSY) {
		a->user->n_in_minute -= a->shared && a->user->n_in_minute > 0; /* it has cost nothing */
		attempt_fail(a, T3OPS_PAIR_HELD, "", 0, "the t3 server is being upgraded or restored; try again");
		return;
	}
	mint_error_find(ran->out, ran->out_len, why, sizeof why);
	if (ran->error == -ETIMEDOUT)
		snprintf(text, sizeof text, "the mint command did not finish in time");
	else if (ran->error != 0)
		snprintf(text, sizeof text, "the mint command could not be run: %s", strerror(-ran->error));
	else if (ran->exit_code != 0)
		snprintf(text, sizeof text, "the mint command ended with exit code %d%s%s", ran->exit_code,
		         why[0] ? ": " : "", why);
	else
		snprintf(text, sizeof text, "the mint command printed no JSON with a credential%s%s",
		         why[0] ? ": " : "", why);
	attempt_fail(a, ran->error == -ETIMEDOUT ? T3OPS_PAIR_MINT_TIMEOUT : T3OPS_PAIR_MINT_FAILED, "", 0, text);
}

static void on_minted(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg)
{
	struct attempt *a = arg;

	(void)ctx;
	a->body = ran->error == 0 && ran->exit_code == 0 ? body_make(ran->out, ran->out_len) : NULL;
	if (a->body)
		exchange_start(a);
	else
		mint_fail(a, ran);
}

/* ---- who gets which ------------------------------------------------------------------------------------- */

static bool failure_holds(const struct user_state *u, uint64_t now_us)
{
	bool unable = u->failed_result == T3OPS_PAIR_NO_COOKIE || u->failed_result == T3OPS_PAIR_NO_ENDPOINT;

	return u->failed_us > 0 && now_us - u->failed_us < (unable ? INABILITY_HOLDS_US : FAILURE_HOLDS_US);
}

static void answer_at_once(t3ops_paired_cb cb, void *arg, struct t3ops_paired paired)
{
	paired.struct_size = sizeof paired;
	paired.endpoint = "";
	cb(arg, &paired);
}

/* The list may change while the callback works with it. */
static void fresh_give(struct pairing *p, struct user_state *u, const char *set_cookie, t3ops_paired_cb cb, void *arg)
{
	char *copy = strdup(set_cookie);

	p->ctx->host->count(p->ctx, METRIC_SHARED, NULL, 1);
	answer_at_once(cb, arg,
	               (struct t3ops_paired){.result = copy ? T3OPS_PAIR_OK : T3OPS_PAIR_MINT_FAILED,
	                                     .set_cookie = copy ? copy : "",
	                                     .cookie_name = u->cookie_name,
	                                     .text = copy ? "" : "no memory"});
	if (copy)
		explicit_bzero(copy, strlen(copy));
	free(copy);
}

static struct attempt *attempt_find(struct user_state *u, const struct t3ops_browser *browser)
{
	struct attempt *a;

	LIST_FOREACH (a, &u->attempts, link)
		if (browser && a->shared && browser_is_same(&a->browser, browser))
			break;
	return a;
}

/* Mints at once; the answer comes later. */
static struct attempt *attempt_new(struct pairing *p, struct user_state *u, const struct t3ops_browser *browser)
{
	struct attempt *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->pairing = p;
	a->user = u;
	a->shared = browser != NULL;
	if (browser)
		a->browser = *browser;
	STAILQ_INIT(&a->waiters);
	a->started_us = p->ctx->host->now_us(p->ctx);
	LIST_INSERT_HEAD(&u->attempts, a, link);
	p->ctx->host->command(p->ctx, p->ctx->host->opt_string(p->ctx, "command"), u->name, on_minted, a);
	return a;
}

static void attempt_join(struct pairing *p, struct user_state *u, const struct t3ops_browser *browser,
                         t3ops_paired_cb cb, void *arg)
{
	struct waiter *w = calloc(1, sizeof *w);
	struct attempt *a = attempt_find(u, browser);

	if (a)
		p->ctx->host->count(p->ctx, METRIC_SHARED, NULL, 1);
	else if (w)
		a = attempt_new(p, u, browser);
	if (!w || !a) {
		free(w);
		answer_at_once(
		    cb, arg,
		    (struct t3ops_paired){
		        .result = T3OPS_PAIR_MINT_FAILED, .set_cookie = "", .cookie_name = "", .text = "no memory"});
		return;
	}
	w->cb = cb;
	w->arg = arg;
	STAILQ_INSERT_TAIL(&a->waiters, w, link);
	a->n_waiters++;
}

/* Each costs a program and leaves a session in the t3 server's database, whatever asks for it. */
static bool limit_allows(struct pairing *p, struct user_state *u, const struct t3ops_browser *browser,
                         uint64_t now_us)
{
	int64_t whole = p->ctx->host->opt_int(p->ctx, "max_per_minute"), most = p->ctx->host->share_of(p->ctx, whole);
	char text[80];

	if (u->minute_us == 0 || now_us - u->minute_us >= MINUTE_US) {
		u->minute_us = now_us;
		u->n_in_minute = 0;
		u->limit_reported = false;
	}
	if (most == 0 || u->n_in_minute < most) {
		u->n_in_minute++;
		return true;
	}
	outcome_count(p->ctx, T3OPS_PAIR_LIMITED, "", false, 1);
	if (!u->limit_reported) {
		u->limit_reported = true;
		snprintf(text, sizeof text, "limited: max_per_minute (%lld) is reached", (long long)whole);
		p->ctx->host->emit_browser(p->ctx, "pairing_failed", u->name, browser, 429, text);
	}
	return false;
}

void pairing_begin(struct pairing *p)
{
	static const uint32_t by_endpoint[] = {T3OPS_PAIR_OK, T3OPS_PAIR_REFUSED, T3OPS_PAIR_UNREACHABLE,
	                                       T3OPS_PAIR_NO_COOKIE};
	size_t n = p->ctx->host->opt_count(p->ctx, "endpoints");

	outcome_count(p->ctx, T3OPS_PAIR_MINT_FAILED, "", false, 0);
	outcome_count(p->ctx, T3OPS_PAIR_MINT_TIMEOUT, "", false, 0);
	outcome_count(p->ctx, T3OPS_PAIR_NO_ENDPOINT, "", n > 1, 0);
	outcome_count(p->ctx, T3OPS_PAIR_LIMITED, "", false, 0);
	outcome_count(p->ctx, T3OPS_PAIR_HELD, "", false, 0);
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < sizeof by_endpoint / sizeof by_endpoint[0]; r++)
			outcome_count(p->ctx, by_endpoint[r], p->ctx->host->opt_item(p->ctx, "endpoints", i), i > 0,
			              0);
}

void pairing_pair(struct pairing *p, const struct t3ops_user *user, const struct t3ops_browser *browser,
                  t3ops_paired_cb cb, void *arg)
{
	struct user_state *u = user_state_get(p->users, user);
	uint64_t now_us = p->ctx->host->now_us(p->ctx);
	const char *fresh = u && browser ? fresh_find(&u->fresh, browser, now_us) : NULL;

	if (!u) {
		answer_at_once(
		    cb, arg,
		    (struct t3ops_paired){
		        .result = T3OPS_PAIR_MINT_FAILED, .set_cookie = "", .cookie_name = "", .text = "no memory"});
	} else if (fresh) {
		fresh_give(p, u, fresh, cb, arg);
	} else if (browser && !attempt_find(u, browser) && failure_holds(u, now_us)) {
		answer_at_once(cb, arg,
		               (struct t3ops_paired){.result = u->failed_result,
		                                     .set_cookie = "",
		                                     .cookie_name = u->cookie_name,
		                                     .text = u->failed_text});
	} else if (browser && !attempt_find(u, browser) && !limit_allows(p, u, browser, now_us)) {
		answer_at_once(
		    cb, arg,
		    (struct t3ops_paired){.result = T3OPS_PAIR_LIMITED,
		                          .set_cookie = "",
		                          .cookie_name = u->cookie_name,
		                          .text = "too many of your browsers were paired within a minute"});
	} else {
		attempt_join(p, u, browser, cb, arg);
	}
}

void pairing_fini(struct pairing *p)
{
	struct user_state *u;

	LIST_FOREACH (u, &p->users->list, link)
		while (LIST_FIRST(&u->attempts))
			attempt_fail(LIST_FIRST(&u->attempts), T3OPS_PAIR_MINT_FAILED, "", 0, "t3ops is stopping");
}
