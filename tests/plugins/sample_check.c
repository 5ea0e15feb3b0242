/* SPDX-License-Identifier: MIT */
/* A request plugin whose configuration step does what its option says. */
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_US UINT64_C(3600000000)

static bool is(struct t3ops_ctx *ctx, const char *what)
{
	return strcmp(ctx->host->opt_string(ctx, "what"), what) == 0;
}

static void never(struct t3ops_ctx *ctx, void *arg)
{
	(void)ctx, (void)arg;
	abort();
}

static void fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	(void)f;
	never(ctx, arg);
}

/* All that a host offers, whether it is a dry one or not. */
static int everything(struct t3ops_ctx *ctx)
{
	struct t3ops_fetch f = {.struct_size = sizeof f, .url = "http://127.0.0.1:1/"};
	struct t3ops_timer *timer = ctx->host->timer_start(ctx, HOUR_US, 0, never, NULL);

	if (!timer || ctx->host->fetch(ctx, &f, fetched, NULL) == 0 || ctx->host->now_us(ctx) == 0)
		return -EIO;
	ctx->host->timer_stop(ctx, timer);
	ctx->host->emit(ctx, "note", NULL, 0, "here");
	return ctx->host->provide(ctx, "sample", ctx);
}

static int init(struct t3ops_ctx *ctx)
{
	if (is(ctx, "error"))
		ctx->host->option_fault(ctx, T3OPS_ERROR, "what", "is refused, %d times", 1);
	if (is(ctx, "section"))
		ctx->host->option_fault(ctx, T3OPS_ERROR, NULL, "is refused as a whole");
	if (is(ctx, "warning"))
		ctx->host->option_fault(ctx, T3OPS_WARNING, "what", "is odd");
	if (is(ctx, "log"))
		ctx->host->log(ctx, T3OPS_ERROR, "start_failed", "said in the log");
	while (is(ctx, "hang"))
		sleep(1);
	if (is(ctx, "crash"))
		abort();
	if (is(ctx, "everything"))
		return everything(ctx);
	return is(ctx, "error") || is(ctx, "section") || is(ctx, "log") || is(ctx, "silent") ? -EINVAL : 0;
}

/* A directory that the option does not name is looked for on the disk. */
static int check(struct t3ops_ctx *ctx)
{
	const char *what = ctx->host->opt_string(ctx, "what");

	if (*what != '/' || access(what, F_OK) == 0)
		return 0;
	ctx->host->option_fault(ctx, T3OPS_ERROR, "what", "no such file");
	return -ENOENT;
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return T3OPS_NEXT;
}

static const struct t3ops_option options[] = {
    {"what", T3OPS_OPT_STRING, "", 0, 0, "What goes wrong."},
};

T3OPS_PLUGIN(sample_check) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_check",
    .version = "1.0",
    .summary = "A configuration step that fails, for tests.",
    .provides = "sample",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .check = check,
    .on_request = on_request,
    .answers = "/probe/sample",
};
