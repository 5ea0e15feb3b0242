/* SPDX-License-Identifier: MIT */
/*
 * probe_http: a leg to any URL.  A heartbeat is one request over a connection of its own, as a new page makes it, so
 * that the leg tells at which step it fails: name, connection, TLS or answer.
 *
 *   heartbeat: --answer with a status of `status`, and `contains` in its body--> answered
 *              --an answer in which Cloudflare's edge says that it failed itself--> down, the edge is accused
 *              --any other answer--> down, what is behind the edge is accused
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fetch_leg.h"
#include "plugin.h"
#include "probe_http/edge_answer.h"
#include "probe_http/status_list.h"

/* ---- answers ----------------------------------------------------------------------------------- */

static bool is_expected(const struct fetch_leg *l, int status)
{
	const struct t3ops_host *host = l->ctx->host;

	for (size_t i = 0; i < host->opt_count(l->ctx, "status"); i++)
		if (status_fits(status, host->opt_item(l->ctx, "status", i)))
			return true;
	return false;
}

static void wrong_status(struct fetch_leg *l, const struct t3ops_fetched *f)
{
	const struct edge_answer *edge = edge_answer_find(f->status, f->header(f, "server", 0), f->body);
	char text[256];

	if (edge != NULL)
		snprintf(text, sizeof text, "answered %d: %s", f->status, edge->words);
	else
		snprintf(text, sizeof text, "answered %d", f->status);
	fetch_leg_down(l, T3OPS_STEP_HTTP, edge != NULL && edge->is_of_edge ? T3OPS_R_PROTOCOL : T3OPS_R_HTTP_STATUS,
	               f->status, text);
}

static void answer_take(struct fetch_leg *l, const struct t3ops_fetched *f)
{
	const char *contains = l->ctx->host->opt_string(l->ctx, "contains");
	char text[256];

	if (!is_expected(l, f->status)) {
		wrong_status(l, f);
	} else if (strstr(f->body, contains) == NULL) {
		snprintf(text, sizeof text, "answered %d without \"%.100s\"", f->status, contains);
		fetch_leg_down(l, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, f->status, text);
	} else {
		fetch_leg_answered(l);
	}
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct fetch_leg *l = arg;

	l->fetch = 0;
	ctx->host->leg_certificate(ctx, l->leg, f->certificate_until_us);
	ctx->host->leg_location(ctx, l->leg, f->header(f, "cf-ray", 0));
	if (f->error != 0)
		fetch_leg_down(l, f->step, ctx->host->fetch_reason(ctx, f->error, f->step), 0, f->error_text);
	else
		answer_take(l, f);
}

/* ---- questions --------------------------------------------------------------------------------- */

static void on_step(struct t3ops_ctx *ctx, uint32_t step, void *arg)
{
	const struct fetch_leg *l = arg;

	if (!l->up)
		ctx->host->leg_reached(ctx, l->leg, step);
}

static void ask(struct fetch_leg *l)
{
	const struct t3ops_host *host = l->ctx->host;
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .method = host->opt_string(l->ctx, "method"),
	                           .url = host->opt_string(l->ctx, "url"),
	                           .fresh = true,
	                           .on_step = on_step,
	                           .max_body = (size_t)host->opt_int(l->ctx, "max_body"),
	                           .timeout_us = (uint64_t)host->opt_int(l->ctx, "timeout"),
	                           .connect_to = host->opt_string(l->ctx, "address"),
	                           .interface = host->opt_string(l->ctx, "interface"),
	                           .ca_file = host->opt_string(l->ctx, "ca_file")};

	l->asked_us = host->now_us(l->ctx);
	l->fetch = host->fetch(l->ctx, &what, on_fetched, l);
}

/* ---- the leg ----------------------------------------------------------------------------------- */

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct fetch_leg *l = ctx->state;

	fetch_leg_begin(l, leg);
	ask(l);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct fetch_leg *l = ctx->state;

	(void)leg;
	if (l->fetch == 0)
		ask(l);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	fetch_leg_cancel(ctx->state);
}

static int init(struct t3ops_ctx *ctx)
{
	struct fetch_leg *l = calloc(1, sizeof *l);

	if (l == NULL)
		return -ENOMEM;
	l->ctx = ctx;
	ctx->state = l;
	return 0;
}

static int check(struct t3ops_ctx *ctx)
{
	const struct t3ops_host *host = ctx->host;
	const char *method = host->opt_string(ctx, "method");
	int r = 0;

	for (size_t i = 0; i < host->opt_count(ctx, "status"); i++)
		if (!status_is_pattern(host->opt_item(ctx, "status", i))) {
			host->option_fault(ctx, T3OPS_ERROR, "status",
			                   "\"%.20s\": expected a status such as 200 or 2xx",
			                   host->opt_item(ctx, "status", i));
			r = -EINVAL;
		}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		host->option_fault(ctx, T3OPS_ERROR, "method", "expected GET or HEAD");
		r = -EINVAL;
	}
	if (strcmp(method, "HEAD") == 0 && host->opt_string(ctx, "contains")[0] != '\0') {
		host->option_fault(ctx, T3OPS_ERROR, "contains", "an answer to HEAD has no body");
		r = -EINVAL;
	}
	return r;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0, "What is asked, as https://HOST/PATH."},
    {"method", T3OPS_OPT_STRING, "GET", 0, 0, "GET or HEAD."},
    {"status", T3OPS_OPT_LIST | T3OPS_OPT_STRING, "2xx 3xx", 0, 0,
     "Statuses of a good answer; 2xx stands for the class; redirects are not followed."},
    {"contains", T3OPS_OPT_STRING, "", 0, 0, "Text that the body of a good answer has in it; empty: any body."},
    {"max_body", T3OPS_OPT_BYTES, "64K", 1, 16777216, "A larger body is a failure."},
    {"address", T3OPS_OPT_ADDRESS, "", 0, 0,
     "Where to connect instead of the URL's host: ADDRESS or ADDRESS:PORT; empty: the name is looked up."},
    {"interface", T3OPS_OPT_INTERFACE, "", 0, 0, "Network device or source address to go out by; empty: any."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificate authorities to trust; empty: the system's."},
    {"timeout", T3OPS_OPT_DURATION, "5s", 100000, 600000000, "Limit of a request."},
};

T3OPS_PLUGIN(probe_http) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_http",
    .version = PACKAGE_VERSION,
    .summary = "HTTP leg to any URL",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .check = check,
    .stop = stop,
    .leg_segments = "",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
