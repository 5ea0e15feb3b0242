/* SPDX-License-Identifier: MIT */
/* One HTTP request; see t3_http.h.  index.html, which a t3 server answers unknown paths with, does not count. */
#include "probe_t3serve/t3_http.h"

#include <stdio.h>
#include <string.h>

#include "common/t3_url.h"

#define PATH "/api/auth/session"

static struct t3ops_ws_end failure(uint32_t step, uint32_t reason, int code, const char *text)
{
	return (struct t3ops_ws_end){
	    .struct_size = sizeof(struct t3ops_ws_end), .step = step, .reason = reason, .code = code, .text = text};
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct t3_http *h = arg;
	struct t3ops_ws_end why;
	bool failed = true;

	h->fetch = 0;
	if (f->error != 0)
		why = failure(f->step, ctx->host->fetch_reason(ctx, f->error, f->step), 0, f->error_text);
	else if (f->status != 200)
		why = failure(T3OPS_STEP_HTTP, ctx->host->status_reason(ctx, f->status), f->status, "");
	else if (f->body[0] != '{' || !strstr(f->body, "\"authenticated\""))
		why = failure(T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, f->status, "the answer is not that of a t3 server");
	else
		failed = false;
	h->handler->on_end(h->arg, failed ? &why : NULL);
}

static void on_step(struct t3ops_ctx *ctx, uint32_t step, void *arg)
{
	const struct t3_http *h = arg;

	(void)ctx;
	h->handler->on_step(h->arg, step);
}

void t3_http_ask(struct t3_http *h, const struct t3ops_user *user)
{
	char url[128];
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = url,
	                           .user = user->name,
	                           .fresh = true,
	                           .on_step = on_step,
	                           .timeout_us = h->timeout_us};

	t3_url("http", user->host, user->port, PATH, url, sizeof url);
	h->fetch = h->ctx->host->fetch(h->ctx, &what, on_fetched, h);
}

void t3_http_cancel(struct t3_http *h)
{
	if (h->fetch != 0)
		h->ctx->host->fetch_cancel(h->ctx, h->fetch);
	h->fetch = 0;
}
