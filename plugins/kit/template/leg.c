/*
 * @NAME@: a leg of t3ops.  Its heartbeat is one HTTP request, on a connection of its own, which has to be answered
 * with 200.
 *
 *   leg_open --answered--> leg_up, then each leg_ping --answered--> leg_pong
 *            --anything else--> leg_down: t3ops closes it, and opens it again after a while
 *
 * One leg a section, so what it needs stands in the state of the instance.  t3ops says when to open, ping and close.
 */
#include <errno.h>
#include <stdlib.h>

#include <t3ops/plugin.h>

struct state {
	struct t3ops_leg *leg; /* NULL: not open */
	uint64_t fetch;        /* of the request that is out; 0: none is */
	bool up;
};

/* Everything before that step worked. */
static void on_step(struct t3ops_ctx *ctx, uint32_t step, void *arg)
{
	const struct state *s = arg;

	ctx->host->leg_reached(ctx, s->leg, step);
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct t3ops_ws_end end = {.struct_size = sizeof end};
	struct state *s = arg;

	s->fetch = 0;
	ctx->host->leg_certificate(ctx, s->leg, f->certificate_until_us);
	ctx->host->leg_location(ctx, s->leg, f->header(f, "cf-ray", 0));
	if (ctx->host->fetch_end(ctx, f, 200, &end)) {
		s->up = false;
		ctx->host->leg_down(ctx, s->leg, &end);
	} else if (s->up) {
		ctx->host->leg_pong(ctx, s->leg, f->total_us);
	} else {
		s->up = true;
		ctx->host->leg_up(ctx, s->leg);
	}
}

static void ask(struct t3ops_ctx *ctx, struct state *s)
{
	const struct t3ops_fetch what = {
	    .struct_size = sizeof what,
	    .url = ctx->host->opt_string(ctx, "url"),
	    .connect_to = ctx->host->opt_string(ctx, "address"),
	    .ca_file = ctx->host->opt_string(ctx, "ca_file"),
	    .timeout_us = (uint64_t)ctx->host->opt_int(ctx, "timeout"),
	    .fresh = true, /* a connection for each: so it speaks for those who come now, too */
	    .on_step = on_step,
	};

	s->fetch = ctx->host->fetch(ctx, &what, on_fetched, s);
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct state *s = ctx->state;

	s->leg = leg;
	s->up = false;
	ask(ctx, s);
}

/* t3ops sends no second one while one is out. */
static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	ask(ctx, ctx->state);
}

/* Whatever is out ends without an answer. */
static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct state *s = ctx->state;

	(void)leg;
	ctx->host->fetch_cancel(ctx, s->fetch); /* a stale id is fine */
	*s = (struct state){.leg = NULL};
}

static int init(struct t3ops_ctx *ctx)
{
	ctx->state = calloc(1, sizeof(struct state));
	return ctx->state != NULL ? 0 : -ENOMEM;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0, "What is asked for."},
    {"address", T3OPS_OPT_ADDRESS, "", 0, 0, "Where to connect; empty: as the URL says."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificate authorities to trust; empty: the system's."},
    {"timeout", T3OPS_OPT_DURATION, "5s", 100000, 60000000, "Limit of one request."},
};

T3OPS_PLUGIN(@NAME@) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "@NAME@",
    .version = "0.1",
    .summary = "asks for a page",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .stop = stop,
    .leg_segments = "", /* only the operator knows what is crossed */
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
