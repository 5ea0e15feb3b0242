/* SPDX-License-Identifier: MIT */
/*
 * maintenance: a request plugin of t3ops.  While a file exists, everybody but a few gets a page that says so, with
 * 503, and loads again by itself.  An example of a request plugin; see t3ops-plugin(3).
 *
 * No callback may wait for a disk, so the file is looked at by a timer, and requests go by what it saw last.  What is
 * open already (a WebSocket, a response in progress) is no request any more, and stays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <t3ops/plugin.h>

#define LOOK_EVERY_US 1000000

enum { METRIC_REFUSED, METRIC_ACTIVE };

struct state {
	bool active;
};

static void look(struct t3ops_ctx *ctx, void *arg)
{
	struct state *s = arg;
	struct stat st;
	bool active = stat(ctx->host->opt_string(ctx, "flag"), &st) == 0;

	if (active != s->active)
		ctx->host->log(ctx, T3OPS_NOTICE, active ? "maintenance_began" : "maintenance_ended", "%s %s",
		               ctx->host->opt_string(ctx, "flag"), active ? "is there" : "is gone");
	s->active = active;
	ctx->host->gauge(ctx, METRIC_ACTIVE, NULL, active);
}

/* Whether the request is of one of the users who may go on. */
static bool is_allowed(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct t3ops_user user = {.struct_size = sizeof user};
	const char *name;

	if (!ctx->host->request_user(ctx, r, &user))
		return false;
	for (size_t i = 0; (name = ctx->host->opt_item(ctx, "except", i)) != NULL; i++)
		if (strcmp(name, user.name) == 0)
			return true;
	return false;
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct state *s = ctx->state;
	const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 503,
	    .title = "Maintenance",
	    .text = ctx->host->opt_string(ctx, "text"),
	    .retry_s = 30,
	};

	if (!s->active || is_allowed(ctx, r))
		return T3OPS_NEXT;
	ctx->host->count(ctx, METRIC_REFUSED, NULL, 1);
	ctx->host->request_explain(ctx, r, &page);
	return T3OPS_DONE;
}

static int init(struct t3ops_ctx *ctx)
{
	ctx->state = calloc(1, sizeof(struct state));
	return ctx->state != NULL ? 0 : -ENOMEM;
}

static int start(struct t3ops_ctx *ctx)
{
	look(ctx, ctx->state);
	return ctx->host->timer_start(ctx, LOOK_EVERY_US, LOOK_EVERY_US, look, ctx->state) != NULL ? 0 : -ENOMEM;
}

/* The timer is left to t3ops. */
static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
}

static const struct t3ops_option options[] = {
    {"flag", T3OPS_OPT_PATH, T3OPS_REQUIRED, 0, 0, "While this file exists there is maintenance."},
    {"except", T3OPS_OPT_LIST, "", 0, 0, "Users who may go on."},
    {"text", T3OPS_OPT_STRING, "We are working on it and will be back soon.", 0, 0, "What the page says."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_REFUSED] = {.name = "t3ops_maintenance_refused_total",
                        .type = T3OPS_COUNTER,
                        .help = "Requests that got the page."},
    [METRIC_ACTIVE] = {.name = "t3ops_maintenance_active",
                       .type = T3OPS_GAUGE,
                       .help = "Whether there is maintenance."},
};

T3OPS_PLUGIN(maintenance) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "maintenance",
    .version = "1.0",
    .summary = "a page while work is done",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .start = start,
    .stop = stop,
    .on_request = on_request,
};
