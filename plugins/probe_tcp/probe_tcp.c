/* SPDX-License-Identifier: MIT */
/*
 * probe_tcp: a leg to a hop that listens, such as a router or a forwarder.  A heartbeat is one TCP connection, which
 * is closed as soon as it is made: nothing is sent.
 *
 *   heartbeat: --connected, or refused where refusal counts as an answer--> answered
 *              --any other error, or `timeout`--> down
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hop.h"
#include "plugin.h"

struct state {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	struct hop to;
	int fd; /* of the connection that is being made, -1: none is */
	struct t3ops_fd_watch *watch;
	struct t3ops_timer *limit;
	uint64_t asked_us;
	bool up;
};

/* ---- one connection ----------------------------------------------------------------------------------- */

static void cancel(struct state *s)
{
	const struct t3ops_host *host = s->ctx->host;

	host->fd_unwatch(s->ctx, s->watch);
	host->timer_stop(s->ctx, s->limit);
	s->watch = NULL;
	s->limit = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void answered(struct state *s)
{
	const struct t3ops_host *host = s->ctx->host;

	cancel(s);
	if (s->up) {
		host->leg_pong(s->ctx, s->leg, host->now_us(s->ctx) - s->asked_us);
		return;
	}
	s->up = true;
	host->leg_up(s->ctx, s->leg);
}

static void failed(struct state *s, int error)
{
	const struct t3ops_host *host = s->ctx->host;
	const char *address = host->opt_string(s->ctx, "address");
	char text[160];
	struct t3ops_ws_end end = {.struct_size = sizeof end, .step = T3OPS_STEP_CONNECT, .text = text};

	end.reason = host->fetch_reason(s->ctx, error, T3OPS_STEP_CONNECT);
	snprintf(text, sizeof text, "%s: %s", address, strerror(-error));
	cancel(s);
	s->up = false;
	host->leg_down(s->ctx, s->leg, &end);
}

/* The attempt ended with that error, 0: it is connected. */
static void ended(struct state *s, int error)
{
	bool refusal_counts = s->ctx->host->opt_bool(s->ctx, "refusal_counts");

	if (error == 0 || (error == ECONNREFUSED && refusal_counts))
		answered(s);
	else
		failed(s, -error);
}

static void on_ready(struct t3ops_ctx *ctx, uint32_t ready, void *arg)
{
	struct state *s = arg;
	int error = 0;
	socklen_t len = sizeof error;

	(void)ctx, (void)ready;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	ended(s, error);
}

static void on_limit(struct t3ops_ctx *ctx, void *arg)
{
	struct state *s = arg;

	(void)ctx;
	s->limit = NULL;
	failed(s, -ETIMEDOUT);
}

static void connection_begin(struct state *s)
{
	const struct t3ops_host *host = s->ctx->host;
	int r;

	s->asked_us = host->now_us(s->ctx);
	s->fd = hop_socket(&s->to, SOCK_STREAM, 0, host->opt_string(s->ctx, "interface"));
	if (s->fd < 0) {
		int error = s->fd;

		s->fd = -1;
		failed(s, error);
		return;
	}
	r = connect(s->fd, (const struct sockaddr *)&s->to.address, s->to.len);
	if (r == 0 || errno != EINPROGRESS) {
		ended(s, r == 0 ? 0 : errno);
		return;
	}
	s->watch = host->fd_watch(s->ctx, s->fd, T3OPS_FD_WRITABLE, on_ready, s);
	s->limit = host->timer_start(s->ctx, (uint64_t)host->opt_int(s->ctx, "timeout"), 0, on_limit, s);
	if (s->watch == NULL || s->limit == NULL)
		failed(s, -ENOKEY); /* no memory of ours is nobody's fault on the path */
}

/* ---- the leg ------------------------------------------------------------------------------------------- */

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct state *s = ctx->state;

	s->leg = leg;
	s->up = false;
	connection_begin(s);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct state *s = ctx->state;

	(void)leg;
	if (s->fd < 0)
		connection_begin(s);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	cancel(ctx->state);
}

static int init(struct t3ops_ctx *ctx)
{
	struct state *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -ENOMEM;
	s->ctx = ctx;
	s->fd = -1;
	ctx->state = s;
	if (hop_parse(ctx->host->opt_string(ctx, "address"), &s->to) && s->to.has_port)
		return 0;
	ctx->host->option_fault(ctx, T3OPS_ERROR, "address",
	                        "expected ADDRESS:PORT, as 192.0.2.1:53 or [2001:db8::1]:53");
	free(s);
	ctx->state = NULL;
	return -EINVAL;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct state *s = ctx->state;

	if (s != NULL && s->fd >= 0)
		close(s->fd);
	free(s);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"address", T3OPS_OPT_ADDRESS, T3OPS_REQUIRED, 0, 0, "Where it connects: ADDRESS:PORT, numeric."},
    {"refusal_counts", T3OPS_OPT_BOOL, "false", 0, 0,
     "Whether a refusal is an answer, too: whoever refuses is there, though nothing listens."},
    HOP_INTERFACE_OPTION,
    {"timeout", T3OPS_OPT_DURATION, "5s", 100000, 600000000, "Limit of one connection attempt."},
};

T3OPS_PLUGIN(probe_tcp) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_tcp",
    .version = PACKAGE_VERSION,
    .summary = "TCP leg to a hop",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .stop = stop,
    .leg_segments = "",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
