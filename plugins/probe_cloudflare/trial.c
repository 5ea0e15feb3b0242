/* SPDX-License-Identifier: MIT */
/* One connection to an address; see trial.h. */
#include "probe_cloudflare/trial.h"

#include "common/ws_fresh.h"

#define CLOSE_NORMAL  1000
#define SERVER_ERRORS 500

/* A certificate and an answer of the right kind are of the right one, whatever is wrong behind it. */
static enum trial_result result_of(const struct t3ops_ws_end *end)
{
	switch (end->reason) {
	case T3OPS_R_WALLED_OFF:
		return TRIAL_WORKS;
	case T3OPS_R_REFUSED:
	case T3OPS_R_UNREACHABLE:
	case T3OPS_R_CONNECT_TIMEOUT:
	case T3OPS_R_TLS:
	case T3OPS_R_PROTOCOL:
		return TRIAL_FAILS;
	case T3OPS_R_RESET:
	case T3OPS_R_EOF:
		return end->step < T3OPS_STEP_HTTP ? TRIAL_FAILS : TRIAL_UNKNOWN;
	case T3OPS_R_HTTP_STATUS:
		return end->code < SERVER_ERRORS ? TRIAL_FAILS : TRIAL_UNKNOWN;
	default:
		return TRIAL_UNKNOWN;
	}
}

static void on_open(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg)
{
	struct trial *t = arg;

	t->ws = NULL;
	ctx->host->ws_close(ctx, ws, CLOSE_NORMAL);
	t->done(t->arg, TRIAL_WORKS, "");
}

static void on_end(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg)
{
	struct trial *t = arg;

	(void)ctx, (void)ws;
	t->ws = NULL;
	t->done(t->arg, result_of(end), end->text);
}

void trial_begin(struct trial *t, struct t3ops_ctx *ctx, const struct t3ops_ws_open *open,
                 void (*done)(void *arg, enum trial_result result, const char *why), void *arg)
{
	static const struct t3ops_ws_handler handler = {
	    .struct_size = sizeof handler, .on_open = on_open, .on_end = on_end, .max_message = 1024};

	*t = (struct trial){.ctx = ctx, .done = done, .arg = arg};
	t->ws = ws_open_with_key(ctx, open, &handler, t); /* without memory none runs, and nothing is said */
}

void trial_close(struct trial *t)
{
	if (t->ws)
		t->ctx->host->ws_close(t->ctx, t->ws, CLOSE_NORMAL);
	t->ws = NULL;
}
