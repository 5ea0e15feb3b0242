/* SPDX-License-Identifier: MIT */
/* Mint, exchange, check; see pairing.h. */
#include "auto_pair/mint_error.h"
#include "auto_pair/pairing.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cookies.h"

#define DEFAULT_COOKIE "t3_session"
#define SESSION_PATH   "/api/auth/session"
/* A failed pairing is not tried again for that long: a page has many requests. */
#define FAILURE_HOLDS_US UINT64_C(2000000)

struct waiter {
	TAILQ_ENTRY(waiter) link;
	t3ops_paired_cb cb;
	void *arg;
};

/* A pending_check whether a cookie lives. */
struct pending_check {
	LIST_ENTRY(pending_check) link;
	struct user_state *user_state;
	t3ops_session_cb cb;
	void *arg;
};

const char *pair_result_label(uint32_t result)
{
	static const char *const labels[] = {"ok",          "mint_failed", "mint_timeout", "refused",
	                                     "unreachable", "no_endpoint", "no_cookie"};

	return result < sizeof labels / sizeof labels[0] ? labels[result] : "unknown";
}

/* ---- user_states -------------------------------------------------------------------------------------- */

struct user_state *pairing_user_state(struct pairing *p, const struct t3ops_user *user)
{
	struct user_state *row;

	LIST_FOREACH (row, &p->user_states, link)
		if (strcmp(row->name, user->name) == 0)
			break;
	if (!row) {
		row = calloc(1, sizeof *row);
		if (!row)
			return NULL;
		row->pairing = p;
		snprintf(row->name, sizeof row->name, "%s", user->name);
		strcpy(row->cookie_name, DEFAULT_COOKIE);
		TAILQ_INIT(&row->waiters);
		LIST_INSERT_HEAD(&p->user_states, row, link);
	}
	if (row->port != user->port || strcmp(row->host, user->host) != 0) {
		row->announced = false; /* another instance: what the old one said is void */
		row->failed_us = 0;
	}
	snprintf(row->host, sizeof row->host, "%s", user->host);
	row->port = user->port;
	return row;
}

static void cookie_name_learn(struct user_state *row, const char *name)
{
	if (!name || name[0] == '\0' || strlen(name) >= sizeof row->cookie_name)
		return;
	strcpy(row->cookie_name, name);
	row->announced = true;
}

static void url_make(const struct user_state *row, const char *path, char *out, size_t size)
{
	bool v6 = strchr(row->host, ':') != NULL;

	snprintf(out, size, "http://%s%s%s:%u%s", v6 ? "[" : "", row->host, v6 ? "]" : "", row->port, path);
}

/* ---- the answer ------------------------------------------------------------------------------------ */

static void body_forget(struct user_state *row)
{
	if (!row->body)
		return;
	explicit_bzero(row->body, strlen(row->body));
	free(row->body);
	row->body = NULL;
}

static void outcome_report(struct user_state *row, const struct t3ops_paired *paired)
{
	struct t3ops_ctx *ctx = row->pairing->ctx;
	const char *const labels[] = {pair_result_label(paired->result), paired->endpoint,
	                              paired->fallback ? "yes" : "no"};
	uint64_t took_us = ctx->host->now_us(ctx) - row->started_us;
	char text[400];

	ctx->host->count(ctx, METRIC_PAIR, labels, 1);
	ctx->host->observe(ctx, METRIC_PAIR_SECONDS, NULL, (double)took_us / 1e6);
	snprintf(text, sizeof text, "%s%s%s%s%s%s%s", labels[0], paired->endpoint[0] ? " at " : "", paired->endpoint,
	         paired->fallback ? " (fallback)" : "", paired->text[0] ? ": " : "", paired->text,
	         row->n_waiters > 1 ? ", for several requests" : "");
	ctx->host->emit(ctx, "pairing_done", row->name, paired->status, text);
}

/* Answers everybody who waits.  What they do may begin the next pairing. */
static void user_state_finish(struct user_state *row, struct t3ops_paired *paired)
{
	TAILQ_HEAD(, waiter) waiters = TAILQ_HEAD_INITIALIZER(waiters);
	struct waiter *w;

	paired->struct_size = sizeof *paired;
	paired->cookie_name = row->cookie_name;
	outcome_report(row, paired);
	body_forget(row);
	row->failed_result = paired->result;
	row->failed_us = paired->result == T3OPS_PAIR_OK ? 0 : row->pairing->ctx->host->now_us(row->pairing->ctx);
	while ((w = TAILQ_FIRST(&row->waiters))) {
		TAILQ_REMOVE(&row->waiters, w, link);
		TAILQ_INSERT_TAIL(&waiters, w, link);
	}
	row->n_waiters = 0;
	while ((w = TAILQ_FIRST(&waiters))) {
		TAILQ_REMOVE(&waiters, w, link);
		w->cb(w->arg, paired);
		free(w);
	}
}

static void user_state_fail(struct user_state *row, enum t3ops_pair_result result, const char *endpoint, int status,
                            const char *text)
{
	struct t3ops_paired paired = {.result = result,
	                              .set_cookie = "",
	                              .endpoint = endpoint,
	                              .status = status,
	                              .fallback = row->endpoint > 0,
	                              .text = text};

	user_state_finish(row, &paired);
}

/* ---- exchange ---------------------------------------------------------------------------------------- */

static void exchange_start(struct user_state *row);

static const char *endpoint_of(const struct user_state *row)
{
	return row->pairing->ctx->host->opt_item(row->pairing->ctx, "endpoints", row->endpoint);
}

/* Of several cookies the one that is known to be the session's, else the first. */
static const char *set_cookie_choose(const struct user_state *row, const struct t3ops_fetched *f)
{
	const char *value;
	char name[COOKIE_NAME_SIZE];

	for (size_t i = 0; (value = f->header(f, "set-cookie", i)); i++)
		if (set_cookie_name(value, name, sizeof name) && strcmp(name, row->cookie_name) == 0)
			return value;
	return f->header(f, "set-cookie", 0);
}

static void exchange_succeed(struct user_state *row, const struct t3ops_fetched *f)
{
	struct t3ops_paired paired = {.result = T3OPS_PAIR_OK,
	                              .endpoint = endpoint_of(row),
	                              .status = f->status,
	                              .fallback = row->endpoint > 0,
	                              .text = ""};
	char name[COOKIE_NAME_SIZE];

	paired.set_cookie = set_cookie_choose(row, f);
	if (!paired.set_cookie || !set_cookie_name(paired.set_cookie, name, sizeof name)) {
		user_state_fail(row, T3OPS_PAIR_NO_COOKIE, endpoint_of(row), f->status,
		                "the t3 server answered 200 without a cookie");
		return;
	}
	cookie_name_learn(row, name);
	user_state_finish(row, &paired);
}

static void on_exchanged(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct user_state *row = arg;
	char text[160];

	if (f->error != 0) {
		snprintf(text, sizeof text, "the instance did not answer: %s", f->error_text);
		user_state_fail(row, T3OPS_PAIR_UNREACHABLE, endpoint_of(row), 0, text);
	} else if (f->status == 200) {
		exchange_succeed(row, f);
	} else if (f->status != 404) {
		snprintf(text, sizeof text, "the instance answered %d to a fresh credential", f->status);
		user_state_fail(row, T3OPS_PAIR_REFUSED, endpoint_of(row), f->status, text);
	} else if (++row->endpoint < ctx->host->opt_count(ctx, "endpoints")) {
		exchange_start(row); /* a 404 has not used the credential up */
	} else {
		row->endpoint--;
		user_state_fail(row, T3OPS_PAIR_NO_ENDPOINT, "", 404,
		                "the instance knows none of the configured endpoints");
	}
}

static void exchange_start(struct user_state *row)
{
	static const char *const headers[] = {"content-type: application/json", NULL};
	struct t3ops_ctx *ctx = row->pairing->ctx;
	char url[512];
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .method = "POST",
	                           .url = url,
	                           .headers = headers,
	                           .body = row->body,
	                           .body_len = strlen(row->body),
	                           .timeout_us = row->pairing->exchange_us,
	                           .fresh = true};

	url_make(row, endpoint_of(row), url, sizeof url);
	ctx->host->fetch(ctx, &what, on_exchanged, row);
}

/* ---- mint --------------------------------------------------------------------------------------------- */

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

static void on_minted(struct t3ops_ctx *ctx, const struct t3ops_ran *ran, void *arg)
{
	struct user_state *row = arg;
	char text[320], why[200];

	(void)ctx;
	if (ran->error == -ETIMEDOUT) {
		user_state_fail(row, T3OPS_PAIR_MINT_TIMEOUT, "", 0, "the mint command did not finish in time");
		return;
	}
	if (ran->error != 0 || ran->exit_code != 0) {
		mint_error_find(ran->out, ran->out_len, why, sizeof why);
		if (ran->error != 0)
			snprintf(text, sizeof text, "the mint command could not run: %s", strerror(-ran->error));
		else
			snprintf(text, sizeof text, "the mint command ended with exit code %d%s%s", ran->exit_code,
			         why[0] != '\0' ? ": " : "", why);
		user_state_fail(row, T3OPS_PAIR_MINT_FAILED, "", 0, text);
		return;
	}
	row->body = body_make(ran->out, ran->out_len);
	if (!row->body)
		user_state_fail(row, T3OPS_PAIR_MINT_FAILED, "", 0,
		                "the mint command printed no JSON with a credential");
	else
		exchange_start(row);
}

static bool failed_just_now(const struct user_state *row)
{
	struct t3ops_ctx *ctx = row->pairing->ctx;

	return row->failed_us > 0 && ctx->host->now_us(ctx) - row->failed_us < FAILURE_HOLDS_US;
}

static void refuse_at_once(t3ops_paired_cb cb, void *arg, uint32_t result, const char *text)
{
	struct t3ops_paired paired = {.struct_size = sizeof paired,
	                              .result = result,
	                              .set_cookie = "",
	                              .cookie_name = "",
	                              .endpoint = "",
	                              .text = text};

	cb(arg, &paired);
}

void pairing_pair(struct pairing *p, const struct t3ops_user *user, t3ops_paired_cb cb, void *arg)
{
	struct user_state *row = pairing_user_state(p, user);
	struct waiter *w = row ? calloc(1, sizeof *w) : NULL;

	if (!w) {
		refuse_at_once(cb, arg, T3OPS_PAIR_MINT_FAILED, "no memory");
		return;
	}
	if (TAILQ_EMPTY(&row->waiters) && failed_just_now(row)) {
		free(w);
		refuse_at_once(cb, arg, row->failed_result, "the last attempt failed a moment ago");
		return;
	}
	w->cb = cb;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&row->waiters, w, link);
	if (++row->n_waiters > 1) {
		p->ctx->host->count(p->ctx, METRIC_SHARED, NULL, 1);
		return;
	}
	row->endpoint = 0;
	row->started_us = p->ctx->host->now_us(p->ctx);
	p->ctx->host->command(p->ctx, p->command, user->name, on_minted, row);
}

/* ---- check --------------------------------------------------------------------------------------------- */

/* Only a definite answer counts: anything else may be a stall, a restart or an error. */
static enum t3ops_session session_read(struct user_state *row, const struct t3ops_fetched *f)
{
	json_t *answer = f->error == 0 && f->status == 200 ? json_loadb(f->body, f->body_len, 0, NULL) : NULL;
	const json_t *authenticated = json_object_get(answer, "authenticated");
	enum t3ops_session session = T3OPS_SESSION_UNKNOWN;

	cookie_name_learn(row,
	                  json_string_value(json_object_get(json_object_get(answer, "auth"), "sessionCookieName")));
	if (json_is_boolean(authenticated))
		session = json_is_true(authenticated) ? T3OPS_SESSION_ALIVE : T3OPS_SESSION_DEAD;
	json_decref(answer);
	return session;
}

static void pending_check_answer(struct pending_check *q, enum t3ops_session session)
{
	struct t3ops_session_state state = {.struct_size = sizeof state, .session = session, .set_cookie = ""};

	state.cookie_name = q->user_state->announced ? q->user_state->cookie_name : "";
	LIST_REMOVE(q, link);
	q->cb(q->arg, &state);
	free(q);
}

static void on_checked(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct pending_check *q = arg;

	(void)ctx;
	pending_check_answer(q, session_read(q->user_state, f));
}

static void pairing_check(struct t3ops_ctx *provider, const struct t3ops_user *user, const char *cookie_header,
                          t3ops_session_cb cb, void *arg)
{
	struct pairing *p = provider->state;
	struct user_state *row = pairing_user_state(p, user);
	struct pending_check *q = row ? malloc(sizeof *q) : NULL;
	size_t size = strlen(cookie_header) + sizeof "cookie: ";
	char *cookie = malloc(size), url[128];
	const char *const headers[] = {cookie, NULL};
	struct t3ops_fetch what = {
	    .struct_size = sizeof what, .url = url, .headers = headers, .timeout_us = p->check_us, .fresh = true};

	if (!q || !cookie) {
		free(q);
		free(cookie);
		cb(arg, &(struct t3ops_session_state){
		            .struct_size = sizeof(struct t3ops_session_state), .cookie_name = "", .set_cookie = ""});
		return;
	}
	*q = (struct pending_check){.user_state = row, .cb = cb, .arg = arg};
	LIST_INSERT_HEAD(&p->pending_checks, q, link);
	snprintf(cookie, size, "cookie: %s", cookie_header);
	url_make(row, SESSION_PATH, url, sizeof url);
	provider->host->fetch(provider, &what, on_checked, q);
	explicit_bzero(cookie, size);
	free(cookie);
}

/* ---- the service ------------------------------------------------------------------------------------------ */

static void service_pair(struct t3ops_ctx *provider, const struct t3ops_user *user, t3ops_paired_cb cb, void *arg)
{
	pairing_pair(provider->state, user, cb, arg);
}

static const char *service_cookie_name(struct t3ops_ctx *provider, const struct t3ops_user *user)
{
	struct user_state *row = pairing_user_state(provider->state, user);

	return row ? row->cookie_name : DEFAULT_COOKIE;
}

void pairing_init(struct pairing *p, struct t3ops_ctx *ctx)
{
	p->ctx = ctx;
	LIST_INIT(&p->user_states);
	LIST_INIT(&p->pending_checks);
	p->exchange_us = (uint64_t)ctx->host->opt_int(ctx, "exchange_timeout");
	p->check_us = (uint64_t)ctx->host->opt_int(ctx, "check_timeout");
	p->command = ctx->host->opt_string(ctx, "command");
	p->service = (struct t3ops_pairing){.struct_size = sizeof p->service,
	                                    .provider = ctx,
	                                    .pair = service_pair,
	                                    .check = pairing_check,
	                                    .cookie_name = service_cookie_name};
}

/* Whoever still waits is answered: what they keep for the answer is theirs to release. */
void pairing_fini(struct pairing *p)
{
	struct user_state *row;
	struct pending_check *q;

	while ((q = LIST_FIRST(&p->pending_checks)))
		pending_check_answer(q, T3OPS_SESSION_UNKNOWN);
	while ((row = LIST_FIRST(&p->user_states))) {
		if (!TAILQ_EMPTY(&row->waiters))
			user_state_fail(row, T3OPS_PAIR_MINT_FAILED, "", 0, "t3ops is stopping");
		LIST_REMOVE(row, link);
		body_forget(row);
		free(row);
	}
}
