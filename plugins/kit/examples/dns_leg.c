/* SPDX-License-Identifier: MIT */
/*
 * dns_leg: a leg of t3ops to a name server, over UDP.  Its heartbeat is one query, which is answered when an answer
 * with its id comes back, whatever it says.  An example of a leg with a socket of its own; see t3ops-plugin(3).
 *
 *   leg_open --answered--> leg_up       leg_ping --answered--> leg_pong
 *            --refused, or `timeout`--> leg_down, and t3ops calls leg_close
 *
 * The descriptor is the plugin's: it is opened with each query and closed with its answer, and always unwatched
 * first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <t3ops/plugin.h>

#define QUERY_SIZE 17 /* one question about the root, which every name server can answer */

struct state {
	struct t3ops_leg *leg;
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd; /* -1: no query is out */
	struct t3ops_fd_watch *watch;
	struct t3ops_timer *limit;
	uint64_t sent_us;
	uint16_t id;
	bool up;
};

/* ---- one query ----------------------------------------------------------------------------------------- */

/* Nothing is out any more: the watch ends before its descriptor does. */
static void query_end(struct t3ops_ctx *ctx, struct state *s)
{
	ctx->host->fd_unwatch(ctx, s->watch);
	ctx->host->timer_stop(ctx, s->limit);
	s->watch = NULL;
	s->limit = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void query_failed(struct t3ops_ctx *ctx, struct state *s, int error)
{
	struct t3ops_ws_end end = {.struct_size = sizeof end,
	                           .step = T3OPS_STEP_CONNECT,
	                           .reason = ctx->host->fetch_reason(ctx, error, T3OPS_STEP_CONNECT),
	                           .text = strerror(-error)};

	query_end(ctx, s);
	s->up = false;
	ctx->host->leg_down(ctx, s->leg, &end); /* also inside leg_open: leg_close comes later */
}

static void query_answered(struct t3ops_ctx *ctx, struct state *s)
{
	uint64_t took_us = ctx->host->now_us(ctx) - s->sent_us;

	query_end(ctx, s);
	if (s->up) {
		ctx->host->leg_pong(ctx, s->leg, took_us);
		return;
	}
	s->up = true;
	ctx->host->leg_up(ctx, s->leg);
}

/* The timer is gone when it has fired. */
static void on_limit(struct t3ops_ctx *ctx, void *arg)
{
	struct state *s = arg;

	s->limit = NULL;
	query_failed(ctx, s, -ETIMEDOUT);
}

static void on_readable(struct t3ops_ctx *ctx, uint32_t ready, void *arg)
{
	struct state *s = arg;
	unsigned char answer[512];
	ssize_t n;

	(void)ready;
	while ((n = recv(s->fd, answer, sizeof answer, MSG_DONTWAIT)) >= 0)
		if (n >= 12 && answer[0] == s->id >> 8 && answer[1] == (s->id & 0xff) && (answer[2] & 0x80)) {
			query_answered(ctx, s);
			return; /* s->fd is closed */
		}
	if (errno != EAGAIN && errno != EINTR)
		query_failed(ctx, s, -errno); /* refused: nobody listens there */
}

static int socket_make(const struct state *s)
{
	int fd = socket(s->to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&s->to, s->to_len) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void query_begin(struct t3ops_ctx *ctx, struct state *s)
{
	/* id, recursion desired, one question: ".", type NS, class IN */
	unsigned char query[QUERY_SIZE] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};

	s->id++;
	query[0] = (unsigned char)(s->id >> 8);
	query[1] = (unsigned char)s->id;
	s->sent_us = ctx->host->now_us(ctx);
	s->fd = socket_make(s);
	if (s->fd < 0 || send(s->fd, query, sizeof query, 0) < 0) {
		query_failed(ctx, s, -errno);
		return;
	}
	s->watch = ctx->host->fd_watch(ctx, s->fd, T3OPS_FD_READABLE, on_readable, s);
	s->limit = ctx->host->timer_start(ctx, (uint64_t)ctx->host->opt_int(ctx, "timeout"), 0, on_limit, s);
	if (s->watch == NULL || s->limit == NULL)
		query_failed(ctx, s, -ENOKEY); /* no memory of ours is nobody's fault on the path */
}

/* ---- the leg ------------------------------------------------------------------------------------------- */

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct state *s = ctx->state;

	s->leg = leg;
	s->up = false;
	query_begin(ctx, s);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	query_begin(ctx, ctx->state);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	query_end(ctx, ctx->state);
}

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353": an option of type address is one of these. */
static bool address_read(const char *text, struct state *s)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s->to;
	const char *colon = strrchr(text, ':');
	bool has_port = colon != NULL && (text[0] == '[' || colon == strchr(text, ':'));
	char host[64] = "";
	uint16_t port = htons(has_port ? (uint16_t)atoi(colon + 1) : 53);
	size_t len = has_port ? (size_t)(colon - text) : strlen(text);

	if (len >= 2 && text[0] == '[') {
		text++;
		len -= 2;
	}
	if (len >= sizeof host)
		return false;
	memcpy(host, text, len);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		s->to_len = sizeof *v4;
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	s->to_len = sizeof *v6;
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

static int init(struct t3ops_ctx *ctx)
{
	struct state *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -ENOMEM;
	s->fd = -1;
	ctx->state = s;
	if (address_read(ctx->host->opt_string(ctx, "address"), s))
		return 0;
	ctx->host->option_fault(ctx, T3OPS_ERROR, "address", "expected a numeric address");
	free(s);
	ctx->state = NULL;
	return -EINVAL;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state); /* leg_close came before: no descriptor is left */
}

static const struct t3ops_option options[] = {
    {"address", T3OPS_OPT_ADDRESS, T3OPS_REQUIRED, 0, 0, "The name server; port 53 unless it says another."},
    {"timeout", T3OPS_OPT_DURATION, "2s", 100000, 60000000, "Limit of one query."},
};

T3OPS_PLUGIN(dns_leg) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "dns_leg",
    .version = "1.0",
    .summary = "asks a name server",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .stop = stop,
    .leg_segments = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
