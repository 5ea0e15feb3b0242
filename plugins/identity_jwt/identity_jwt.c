/* SPDX-License-Identifier: MIT */
/*
 * identity_jwt: believes an identity header only with a signed token for it: that of Authentik, of Cloudflare Access,
 * of Pomerium, or of another one that signs a JWT for each user.  Whoever reaches the proxy, or t3ops, past the
 * sign-in can write the header, but not the token.  A WebSocket is checked when it opens; how long it stays is not
 * the token's matter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity_jwt/key_source.h"
#include "identity_jwt/metrics.h"
#include "identity_jwt/options.h"
#include "identity_jwt/proofs.h"
#include "identity_jwt/token.h"
#include "identity_jwt/waiting.h"

#define SECOND_US   UINT64_C(1000000)
#define REPORT_US   (60 * SECOND_US) /* from one report of a fault to the next */
#define RETRY_S     5
#define PROVEN_KEPT "kept" /* a result, too: it was proven before */

struct identity_jwt {
	struct t3ops_ctx *ctx;
	struct jwt_options options;
	struct key_source *source;
	struct proofs *proofs;
	struct waiting waiting;
	struct {
		uint64_t reported_us, left_out;
	} faults[JWT_FAULTS];
	uint64_t full_us; /* when that was said last */
};

/* ---- what is proven ----------------------------------------------------------------------------------------- */

static int64_t now_s(const struct identity_jwt *j)
{
	return (int64_t)(j->ctx->host->wall_us(j->ctx) / SECOND_US);
}

/* No silent limit: who comes back is only verified once more, but the operator can have more of them kept. */
static void full_report(struct identity_jwt *j)
{
	uint64_t now_us = j->ctx->host->now_us(j->ctx);

	j->ctx->host->count(j->ctx, METRIC_FORGOTTEN, NULL, 1);
	if (j->full_us != 0 && now_us - j->full_us < 60 * REPORT_US)
		return;
	j->full_us = now_us;
	j->ctx->host->log(
	    j->ctx, T3OPS_NOTICE, "proofs_full",
	    "%zu proven tokens are kept and others come: each costs a signature again; see the option kept",
	    proofs_count(j->proofs));
}

/* Whom the token names: verified, or known from before. */
static enum jwt_fault token_prove(struct identity_jwt *j, const char *token, char user[T3OPS_USER_NAME_SIZE],
                                  bool *kept)
{
	const struct key_set *keys = key_source_keys(j->source);
	size_t len = strlen(token);
	uint8_t key[PROOF_KEY_BYTES];
	struct claims claims;
	const char *known;
	enum jwt_fault fault;

	proof_key_make(token, len, key);
	known = proofs_find(j->proofs, key, now_s(j));
	*kept = known != NULL;
	if (*kept) {
		strcpy(user, known);
		return JWT_PROVEN;
	}
	if (keys == NULL)
		return JWT_NO_KEYS;
	fault = token_check(token, len, keys, j->options.algorithms, &j->options.rules, now_s(j), &claims);
	if (fault != JWT_PROVEN)
		return fault;
	strcpy(user, claims.user);
	if (proofs_add(j->proofs, key, &claims, now_s(j)))
		full_report(j);
	return JWT_PROVEN;
}

/* Of a request that is still there. */
static enum jwt_fault request_prove(struct identity_jwt *j, t3ops_request_id r, bool *kept)
{
	const struct t3ops_host *host = j->ctx->host;
	const char *name = j->options.header, *token = host->request_header_nth(j->ctx, r, name, 0);
	char user[T3OPS_USER_NAME_SIZE];
	enum jwt_fault fault;

	*kept = false;
	if (token == NULL || token[0] == '\0')
		return JWT_MISSING;
	if (host->request_header_nth(j->ctx, r, name, 1) != NULL)
		return JWT_REPEATED;
	fault = token_prove(j, token, user, kept);
	if (fault == JWT_PROVEN && !host->request_is_of(j->ctx, r, user))
		fault = JWT_OTHER_USER;
	return fault;
}

/* ---- what is not -------------------------------------------------------------------------------------------- */

/* Once a minute for each fault, with how many were left out.  Never the token, nor what it claims. */
static void fault_report(struct identity_jwt *j, t3ops_request_id r, enum jwt_fault fault, int status)
{
	const struct t3ops_host *host = j->ctx->host;
	struct t3ops_user user = {.struct_size = sizeof user};
	struct t3ops_browser browser = {.struct_size = sizeof browser};
	uint64_t now_us = host->now_us(j->ctx), left_out = j->faults[fault].left_out;
	char text[256];

	if (j->faults[fault].reported_us != 0 && now_us - j->faults[fault].reported_us < REPORT_US) {
		j->faults[fault].left_out++;
		return;
	}
	j->faults[fault].reported_us = now_us;
	j->faults[fault].left_out = 0;
	if (!host->request_browser(j->ctx, r, &browser))
		return;
	host->request_user(j->ctx, r, &user); /* else it names nobody of the table */
	if (left_out > 0)
		snprintf(text, sizeof text, "%s: %s (and %llu before, not reported)", jwt_fault_label(fault),
		         jwt_fault_sentence(fault), (unsigned long long)left_out);
	else
		snprintf(text, sizeof text, "%s: %s", jwt_fault_label(fault), jwt_fault_sentence(fault));
	host->emit_browser(j->ctx, "identity_refused", user.name, &browser, status, text);
}

static void refuse(struct identity_jwt *j, t3ops_request_id r, enum jwt_fault fault)
{
	char text[512];
	const struct t3ops_page page = {.struct_size = sizeof page,
	                                .status = fault == JWT_NO_KEYS ? 503 : 403,
	                                .title = fault == JWT_NO_KEYS ? "Your sign-in cannot be checked now"
	                                                              : "Your sign-in could not be proven",
	                                .text = text,
	                                .retry_s = fault == JWT_NO_KEYS ? RETRY_S : 0};

	snprintf(
	    text, sizeof text,
	    "This site believes who you are only with a token that its sign-in has signed. %s %s The operator of "
	    "this site finds this in the log of t3ops (identity_refused, %s) and can run t3opsctl doctor.",
	    jwt_fault_sentence(fault),
	    fault == JWT_NO_KEYS ? "This page tries again." : "Sign out, sign in again and reload this page.",
	    jwt_fault_label(fault));
	fault_report(j, r, fault, page.status);
	j->ctx->host->request_explain(j->ctx, r, &page);
}

/* ---- requests ----------------------------------------------------------------------------------------------- */

static void count(struct identity_jwt *j, enum jwt_fault fault, bool kept)
{
	const char *result = fault == JWT_PROVEN && kept ? PROVEN_KEPT : jwt_fault_label(fault);

	j->ctx->host->count(j->ctx, METRIC_PROOFS, (const char *[]){result}, 1);
}

/* Whether other keys may change that, and are on their way. */
static bool must_wait(struct identity_jwt *j, t3ops_request_id r, enum jwt_fault fault)
{
	return (fault == JWT_KEY || fault == JWT_NO_KEYS) && key_source_ask(j->source) && waiting_add(&j->waiting, r);
}

/* The token ends here: whoever has it is the user for others, too. */
static enum t3ops_next on_identity(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct identity_jwt *j = ctx->state;
	bool kept;
	enum jwt_fault fault = request_prove(j, r, &kept);

	if (must_wait(j, r, fault))
		return T3OPS_WAIT;
	count(j, fault, kept);
	if (fault != JWT_PROVEN) {
		refuse(j, r, fault);
		return T3OPS_DONE;
	}
	ctx->host->request_set_header(ctx, r, j->options.header, NULL);
	return T3OPS_NEXT;
}

static void waited(struct identity_jwt *j, t3ops_request_id r)
{
	enum jwt_fault fault;
	bool kept;

	if (j->ctx->host->request_method(j->ctx, r) == NULL)
		return; /* the browser has left */
	fault = request_prove(j, r, &kept);
	count(j, fault, kept);
	if (fault != JWT_PROVEN) {
		refuse(j, r, fault);
		return;
	}
	j->ctx->host->request_set_header(j->ctx, r, j->options.header, NULL);
	j->ctx->host->request_resume(j->ctx, r);
}

/* A request that goes on may be followed by one that waits. */
static void on_tried(struct t3ops_ctx *ctx)
{
	struct identity_jwt *j = ctx->state;
	struct waiting all = waiting_take(&j->waiting);

	for (size_t i = 0; i < all.n; i++)
		waited(j, all.ids[i]);
	waiting_fini(&all);
}

static void on_changed(struct t3ops_ctx *ctx)
{
	struct identity_jwt *j = ctx->state;

	proofs_clear(j->proofs);
}

/* ---- its life ----------------------------------------------------------------------------------------------- */

static void stop(struct t3ops_ctx *ctx)
{
	struct identity_jwt *j = ctx->state;

	key_source_free(j->source);
	proofs_free(j->proofs);
	waiting_fini(&j->waiting);
	jwt_options_fini(&j->options);
	free(j);
	ctx->state = NULL;
}

static int init(struct t3ops_ctx *ctx)
{
	struct identity_jwt *j = calloc(1, sizeof *j);
	int r;

	if (j == NULL)
		return -ENOMEM;
	j->ctx = ctx;
	ctx->state = j;
	r = jwt_options_read(ctx, &j->options);
	if (r == 0) {
		j->proofs = proofs_new((size_t)ctx->host->share_of(ctx, ctx->host->opt_int(ctx, "kept")));
		j->source = key_source_new(ctx, j->options.algorithms, on_changed, on_tried);
		r = j->proofs == NULL ? -ENOMEM : j->source == NULL ? -EINVAL : 0;
	}
	if (r != 0)
		stop(ctx);
	return r;
}

static int start(struct t3ops_ctx *ctx)
{
	struct identity_jwt *j = ctx->state;

	key_source_start(j->source);
	return 0;
}

static const struct t3ops_metric metrics[] = {
    [METRIC_PROOFS] =
        {.name = "t3ops_identity_proofs_total",
         .type = T3OPS_COUNTER,
         .labels = {"result"},
         .help = "Requests with an identity, by what came of their tokens: proven, kept (proven before), "
                 "or why not."},
    [METRIC_FORGOTTEN] = {.name = "t3ops_identity_proofs_forgotten_total",
                          .type = T3OPS_COUNTER,
                          .help = "Proven tokens that had to make room for others: the option kept is too low."},
    [METRIC_KEYS] = {.name = "t3ops_identity_keys",
                     .type = T3OPS_GAUGE,
                     .help = "Keys of the issuer that are known."},
    [METRIC_FETCHED] = {.name = "t3ops_identity_keys_fetched_timestamp_seconds",
                        .type = T3OPS_GAUGE,
                        .help = "When the keys of the issuer were last fetched from jwks_url."},
    [METRIC_FETCHES] = {.name = "t3ops_identity_key_fetches_total",
                        .type = T3OPS_COUNTER,
                        .labels = {"result"},
                        .help = "Fetches of the issuer's keys: ok or failed."},
};

T3OPS_PLUGIN(identity_jwt) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "identity_jwt",
    .version = PACKAGE_VERSION,
    .summary = "believes an identity header only with a signed token for it",
    .options = jwt_option_rows,
    .n_options = JWT_OPTION_ROWS,
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .start = start,
    .stop = stop,
    .on_identity = on_identity,
};
