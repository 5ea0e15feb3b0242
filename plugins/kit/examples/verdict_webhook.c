/* SPDX-License-Identifier: MIT */
/*
 * verdict_webhook: a watch plugin of t3ops.  Posts each verdict, and how it ended, as JSON to a URL: in order, one at
 * a time, again after a pause if that fails.  An example of a watch plugin; see t3ops-plugin(3).
 *
 *   IDLE --event--> SENDING --2xx--> the next one, or IDLE
 *                           --anything else--> PAUSED --timer--> SENDING
 *
 * What waits is bounded: of more than QUEUE_MAX the oldest are dropped, counted, and logged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <t3ops/plugin.h>

#define QUEUE_MAX    64
#define PAUSE_MIN_US 1000000
#define PAUSE_MAX_US 60000000

enum { METRIC_SENT, METRIC_FAILED, METRIC_DROPPED };

struct state {
	char *queue[QUEUE_MAX]; /* the oldest first */
	size_t n;
	bool busy; /* SENDING or PAUSED */
	uint64_t pause_us;
};

static void send_next(struct t3ops_ctx *ctx, struct state *s);

static void queue_drop_first(struct state *s)
{
	free(s->queue[0]);
	memmove(s->queue, s->queue + 1, --s->n * sizeof s->queue[0]);
}

static void on_pause(struct t3ops_ctx *ctx, void *arg)
{
	struct state *s = arg;

	s->busy = false;
	send_next(ctx, s);
}

static void retry_later(struct t3ops_ctx *ctx, struct state *s, const struct t3ops_fetched *f)
{
	ctx->host->count(ctx, METRIC_FAILED, NULL, 1);
	if (f->error != 0)
		ctx->host->log(ctx, T3OPS_WARNING, "webhook_failed", "%s", f->error_text);
	else
		ctx->host->log(ctx, T3OPS_WARNING, "webhook_failed", "answered with status %d", f->status);
	s->busy = ctx->host->timer_start(ctx, s->pause_us, 0, on_pause, s) != NULL;
	s->pause_us = s->pause_us * 2 < PAUSE_MAX_US ? s->pause_us * 2 : PAUSE_MAX_US;
}

static void on_answer(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct state *s = arg;

	if (f->error != 0 || f->status < 200 || f->status > 299) {
		retry_later(ctx, s, f);
		return;
	}
	ctx->host->count(ctx, METRIC_SENT, NULL, 1);
	queue_drop_first(s);
	s->busy = false;
	s->pause_us = PAUSE_MIN_US;
	send_next(ctx, s);
}

static void send_next(struct t3ops_ctx *ctx, struct state *s)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .method = "POST",
	                           .url = ctx->host->opt_string(ctx, "url"),
	                           .headers = headers};

	if (s->busy || s->n == 0)
		return;
	what.body = s->queue[0];
	what.body_len = strlen(s->queue[0]);
	s->busy = true;
	ctx->host->fetch(ctx, &what, on_answer, s);
}

/* The one that is being sent stays the first. */
static void queue_make_room(struct t3ops_ctx *ctx, struct state *s)
{
	size_t oldest = s->busy ? 1 : 0;

	if (s->n < QUEUE_MAX)
		return;
	free(s->queue[oldest]);
	memmove(s->queue + oldest, s->queue + oldest + 1, (--s->n - oldest) * sizeof s->queue[0]);
	ctx->host->count(ctx, METRIC_DROPPED, NULL, 1);
	ctx->host->log(ctx, T3OPS_WARNING, "webhook_dropped", "more than %d events wait", QUEUE_MAX);
}

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	struct state *s = ctx->state;
	char *copy;

	if (e->verdict == 0)
		return;
	copy = strdup(e->json); /* borrowed until this returns */
	if (copy == NULL)
		return;
	queue_make_room(ctx, s);
	s->queue[s->n++] = copy;
	send_next(ctx, s);
}

static int init(struct t3ops_ctx *ctx)
{
	struct state *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -ENOMEM;
	s->pause_us = PAUSE_MIN_US;
	ctx->state = s;
	return 0;
}

/* A transfer or a timer that is left ends without its callback, so nothing of the state is used after this. */
static void stop(struct t3ops_ctx *ctx)
{
	struct state *s = ctx->state;

	while (s->n > 0)
		queue_drop_first(s);
	free(s);
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0, "Where verdicts are posted to."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_SENT] = {.name = "t3ops_webhook_sent_total", .type = T3OPS_COUNTER, .help = "Events that were taken."},
    [METRIC_FAILED] = {.name = "t3ops_webhook_failed_total", .type = T3OPS_COUNTER, .help = "Attempts that failed."},
    [METRIC_DROPPED] = {.name = "t3ops_webhook_dropped_total",
                        .type = T3OPS_COUNTER,
                        .help = "Events that were given up, for too many waited."},
};

T3OPS_PLUGIN(verdict_webhook) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_WATCH,
    .name = "verdict_webhook",
    .version = "1.0",
    .summary = "posts verdicts to a URL",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .stop = stop,
    .on_event = on_event,
};
