/* SPDX-License-Identifier: MIT */
/*
 * A plugin of ABI 1.0: built from the frozen header beside it with every build, and kept as the binary that was
 * built when the header was frozen (plugin-1.0-x86_64.so.b64).  Both must load and work for as long as the major
 * version stands.  It touches what a request plugin and a service see of the contract; /frozen answers with it.
 */
#include "plugin-1.0.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct frozen {
	unsigned long ticks;
	struct t3ops_timer *timer;
	t3ops_request_id waiting;
	int fds[2]; /* a pipe, one end of which is watched */
	struct t3ops_fd_watch *watch;
	unsigned ready;
};

enum { METRIC_REQUESTS, METRIC_TICKS, METRIC_SECONDS };

static void on_tick(struct t3ops_ctx *ctx, void *arg)
{
	struct frozen *f = arg;

	f->ticks++;
	ctx->host->gauge(ctx, METRIC_TICKS, NULL, (double)f->ticks);
	if (f->ticks == 3)
		ctx->host->timer_stop(ctx, f->timer);
}

/* Once: what it was watched for is there. */
static void on_ready(struct t3ops_ctx *ctx, uint32_t ready, void *arg)
{
	struct frozen *f = arg;

	f->ready = ready;
	ctx->host->fd_unwatch(ctx, f->watch);
	f->watch = NULL;
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *fetched, void *arg)
{
	struct frozen *f = arg;
	const struct t3ops_host *host = ctx->host;
	struct t3ops_user user = {.struct_size = sizeof user};
	bool has_user = host->request_user(ctx, f->waiting, &user);
	struct t3ops_user same = {.struct_size = sizeof same};
	const char *header = host->request_header(ctx, f->waiting, "X-Frozen");
	const char *const headers[] = {"content-type: text/plain", NULL};
	char text[1024], address[64];
	int len;

	host->request_address(ctx, f->waiting, address, sizeof address);
	len = snprintf(text, sizeof text,
	               "name=%s word=%s list=%zu:%s number=%lld yes=%d pause=%lld header=%s user=%s port=%d "
	               "found=%d address=%s error=%d step=%u reason=%u service=%d ready=%u frozen=%lu\n",
	               ctx->name, host->opt_string(ctx, "word"), host->opt_count(ctx, "list"),
	               host->opt_item(ctx, "list", 1), (long long)host->opt_int(ctx, "number"),
	               host->opt_bool(ctx, "yes"), (long long)host->opt_int(ctx, "pause"), header ? header : "-",
	               has_user ? user.name : "-", has_user ? user.port : 0,
	               has_user && host->user_find(ctx, user.name, &same) && same.port == user.port, address,
	               fetched->error, fetched->step, host->fetch_reason(ctx, fetched->error, fetched->step),
	               host->service(ctx, "frozen") != NULL, f->ready, f->ticks > 0 ? 1UL : 0UL);
	host->observe(ctx, METRIC_SECONDS, NULL, (double)fetched->total_us / 1e6);
	host->request_add_response_header(ctx, f->waiting, "x-frozen", "1.0");
	host->request_respond(ctx, f->waiting, 200, headers, text, (size_t)len);
	f->waiting = 0;
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	static const struct t3ops_fetch refused = {
	    .struct_size = sizeof refused, .url = "http://127.0.0.1:1/", .timeout_us = 5000000};
	static const struct t3ops_page page = {.struct_size = sizeof page,
	                                       .status = 418,
	                                       .title = "Frozen",
	                                       .text = "A page of ABI 1.0.",
	                                       .link_target = "/frozen",
	                                       .link_text = "the other one"};
	const struct t3ops_host *host = ctx->host;
	const char *target = host->request_target(ctx, r), *const label[] = {host->request_method(ctx, r)};
	struct frozen *f = ctx->state;

	if (!target || host->request_is_upgrade(ctx, r))
		return T3OPS_NEXT;
	host->count(ctx, METRIC_REQUESTS, label, 1);
	if (strcmp(target, "/frozen/page") == 0) {
		host->request_explain(ctx, r, &page);
		return T3OPS_DONE;
	}
	if (strcmp(target, "/frozen") != 0 || f->waiting != 0)
		return T3OPS_NEXT;
	f->waiting = r;
	host->fetch(ctx, &refused, on_fetched, f);
	return T3OPS_WAIT;
}

static int init(struct t3ops_ctx *ctx)
{
	static const int table = 1;
	struct frozen *f = calloc(1, sizeof *f);

	if (!f)
		return -ENOMEM;
	f->fds[0] = f->fds[1] = -1;
	ctx->state = f;
	return ctx->host->provide(ctx, "frozen", &table);
}

static int start(struct t3ops_ctx *ctx)
{
	struct frozen *f = ctx->state;

	if (pipe(f->fds) < 0 || write(f->fds[1], "x", 1) != 1)
		return -errno;
	f->watch = ctx->host->fd_watch(ctx, f->fds[0], T3OPS_FD_READABLE, on_ready, f);
	f->timer = ctx->host->timer_start(ctx, 0, 1000, on_tick, f);
	ctx->host->log(ctx, T3OPS_INFO, "frozen_started", "a plugin of ABI %d.%d", T3OPS_ABI_MAJOR, T3OPS_ABI_MINOR);
	ctx->host->emit(ctx, "note", NULL, 0, "frozen");
	return 0;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct frozen *f = ctx->state;

	close(f->fds[0]);
	close(f->fds[1]);
	free(f);
}

static const struct t3ops_option options[] = {
    {"word", T3OPS_OPT_STRING, "hello", 0, 0, "A word."},    {"list", T3OPS_OPT_LIST, "a b", 0, 0, "Some words."},
    {"number", T3OPS_OPT_INT, "7", 1, 9, "A number."},       {"yes", T3OPS_OPT_BOOL, "true", 0, 0, "Yes or no."},
    {"pause", T3OPS_OPT_DURATION, "10s", 0, 0, "How long."},
};

static const double seconds[] = {0.1, 1};

static const struct t3ops_metric metrics[] = {
    [METRIC_REQUESTS] = {.name = "t3ops_frozen_requests_total",
                         .type = T3OPS_COUNTER,
                         .labels = {"method"},
                         .help = "Requests."},
    [METRIC_TICKS] = {.name = "t3ops_frozen_ticks", .type = T3OPS_GAUGE, .help = "Ticks."},
    [METRIC_SECONDS] = {.name = "t3ops_frozen_seconds",
                        .type = T3OPS_HISTOGRAM,
                        .buckets = seconds,
                        .n_buckets = 2,
                        .help = "Time."},
};

T3OPS_PLUGIN(frozen_1_0) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "frozen_1_0",
    .version = "1.0",
    .summary = "A plugin of ABI 1.0.",
    .provides = "frozen",
    .needs = "frozen",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .start = start,
    .stop = stop,
    .on_request = on_request,
};
