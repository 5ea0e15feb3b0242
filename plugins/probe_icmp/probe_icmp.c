/* SPDX-License-Identifier: MIT */
/*
 * probe_icmp: a leg to a hop that answers echo requests, such as a router or the gateway of the provider.  It takes a
 * datagram socket, which needs no privilege where net.ipv4.ping_group_range has a group of the prober.
 *
 *   heartbeat: --request; again each `interval` until one is answered
 *              --a reply to any of them--> answered
 *              --an error of the network--> down
 *   A leg that is not up gives up after `timeout`; one that is, when the host's watchdog fires.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hop.h"
#include "plugin.h"
#include "probe_icmp/echo_message.h"

#define REMEMBERED 64 /* requests of a heartbeat whose time is known; a reply to an older one counts for nothing */
#define RANGE      "/proc/sys/net/ipv4/ping_group_range"

enum { REQUESTS, LOST };

struct state {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	struct hop to;
	int fd; /* -1: closed */
	struct t3ops_fd_watch *watch;
	struct t3ops_timer *again, *limit;
	bool up;
	uint64_t sent_us[REMEMBERED];
	uint16_t next;    /* number of the next request */
	unsigned waiting; /* requests of this heartbeat, none of which is answered; 0: none is out */
};

static bool is_v6(const struct state *s)
{
	return s->to.address.ss_family == AF_INET6;
}

/* ---- the ends of a heartbeat ---------------------------------------------------------------------------- */

static void timers_stop(struct state *s)
{
	s->ctx->host->timer_stop(s->ctx, s->again);
	s->ctx->host->timer_stop(s->ctx, s->limit);
	s->again = s->limit = NULL;
}

static void lost_count(struct state *s, unsigned n)
{
	if (n > 0)
		s->ctx->host->count(s->ctx, LOST, NULL, n);
	s->waiting = 0;
}

static void cancel(struct state *s)
{
	timers_stop(s);
	lost_count(s, s->waiting);
	s->ctx->host->fd_unwatch(s->ctx, s->watch);
	s->watch = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void down(struct state *s, uint32_t reason, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = T3OPS_STEP_CONNECT, .reason = reason, .text = text};

	cancel(s);
	s->up = false;
	s->ctx->host->leg_down(s->ctx, s->leg, &end);
}

static void failed(struct state *s, int error)
{
	const struct t3ops_host *host = s->ctx->host;
	char text[160];

	snprintf(text, sizeof text, "%s: %s", host->opt_string(s->ctx, "address"), strerror(-error));
	down(s, host->fetch_reason(s->ctx, error, T3OPS_STEP_CONNECT), text);
}

static void answered(struct state *s, uint16_t number)
{
	const struct t3ops_host *host = s->ctx->host;
	unsigned after = (uint16_t)(s->next - 1 - number); /* requests that were sent later: they may still come */
	uint64_t rtt_us;

	if (after >= s->waiting || after >= REMEMBERED)
		return;
	rtt_us = host->now_us(s->ctx) - s->sent_us[number % REMEMBERED];
	timers_stop(s);
	lost_count(s, s->waiting - 1 - after);
	if (s->up) {
		host->leg_pong(s->ctx, s->leg, rtt_us);
		return;
	}
	s->up = true;
	host->leg_up(s->ctx, s->leg);
}

/* ---- requests and replies ------------------------------------------------------------------------------- */

static void on_readable(struct t3ops_ctx *ctx, uint32_t ready, void *arg)
{
	struct state *s = arg;
	unsigned char message[ECHO_BYTES + 1];
	uint16_t number;
	ssize_t n;

	(void)ctx, (void)ready;
	while (s->fd >= 0) {
		n = recv(s->fd, message, sizeof message, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				failed(s, -errno);
			return;
		}
		if (echo_reply(is_v6(s), message, (size_t)n, &number))
			answered(s, number);
	}
}

/* What the queue of the device has no room for is a request that was lost. */
static void request_send(struct state *s)
{
	const struct t3ops_host *host = s->ctx->host;
	unsigned char message[ECHO_BYTES];

	echo_request(is_v6(s), s->next, message);
	s->sent_us[s->next % REMEMBERED] = host->now_us(s->ctx);
	s->next++;
	s->waiting++;
	host->count(s->ctx, REQUESTS, NULL, 1);
	if (send(s->fd, message, sizeof message, MSG_DONTWAIT) < 0 && errno != ENOBUFS && errno != EAGAIN)
		failed(s, -errno);
}

static void on_again(struct t3ops_ctx *ctx, void *arg)
{
	(void)ctx;
	request_send(arg);
}

static void heartbeat_begin(struct state *s)
{
	const struct t3ops_host *host = s->ctx->host;
	uint64_t interval_us = (uint64_t)host->opt_int(s->ctx, "interval");

	s->again = host->timer_start(s->ctx, interval_us, interval_us, on_again, s);
	request_send(s);
}

static void on_limit(struct t3ops_ctx *ctx, void *arg)
{
	struct state *s = arg;

	(void)ctx;
	s->limit = NULL;
	failed(s, -ETIMEDOUT);
}

/* ---- the leg -------------------------------------------------------------------------------------------- */

static int socket_open(struct state *s)
{
	int protocol = is_v6(s) ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd = hop_socket(&s->to, SOCK_DGRAM, protocol, s->ctx->host->opt_string(s->ctx, "interface"));

	if (fd < 0)
		return fd;
	s->fd = fd;
	if (connect(fd, (const struct sockaddr *)&s->to.address, s->to.len) < 0)
		return -errno;
	s->watch = s->ctx->host->fd_watch(s->ctx, fd, T3OPS_FD_READABLE, on_readable, s);
	return s->watch != NULL ? 0 : -ENOKEY;
}

/* Ours, not the path's. */
static void not_allowed(struct state *s)
{
	char text[160];

	snprintf(text, sizeof text,
	         "no ICMP socket: sysctl net.ipv4.ping_group_range has no group of this process (%u)",
	         (unsigned)getegid());
	down(s, T3OPS_R_LOCAL, text);
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct state *s = ctx->state;
	int r;

	s->leg = leg;
	s->up = false;
	r = socket_open(s);
	if (s->fd < 0 && (r == -EACCES || r == -EPERM))
		not_allowed(s);
	else if (r < 0)
		failed(s, r);
	if (r < 0)
		return;
	s->limit = ctx->host->timer_start(ctx, (uint64_t)ctx->host->opt_int(ctx, "timeout"), 0, on_limit, s);
	heartbeat_begin(s);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	heartbeat_begin(ctx->state);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	cancel(ctx->state);
}

/* ---- life ------------------------------------------------------------------------------------------------ */

static int init(struct t3ops_ctx *ctx)
{
	struct state *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -ENOMEM;
	s->ctx = ctx;
	s->fd = -1;
	ctx->state = s;
	if (hop_parse(ctx->host->opt_string(ctx, "address"), &s->to) && !s->to.has_port)
		return 0;
	ctx->host->option_fault(ctx, T3OPS_ERROR, "address", "expected an address without a port, as 192.0.2.1");
	free(s);
	ctx->state = NULL;
	return -EINVAL;
}

/* Which groups may: the prober's account is not known here, so only that none may can be told. */
static int check(struct t3ops_ctx *ctx)
{
	FILE *file = fopen(RANGE, "re");
	unsigned long first = 0, last = 0;
	bool known = file != NULL && fscanf(file, "%lu %lu", &first, &last) == 2;

	if (file != NULL)
		fclose(file);
	if (known && first > last)
		ctx->host->option_fault(
		    ctx, T3OPS_WARNING, NULL,
		    "no group may send ICMP requests here, so this leg measures nothing: set sysctl "
		    "net.ipv4.ping_group_range to the group of the prober, as \"989 989\"");
	return 0;
}

/* Counters exist from the start. */
static int start(struct t3ops_ctx *ctx)
{
	ctx->host->count(ctx, REQUESTS, NULL, 0);
	ctx->host->count(ctx, LOST, NULL, 0);
	return 0;
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
    {"address", T3OPS_OPT_ADDRESS, T3OPS_REQUIRED, 0, 0, "Who is asked, as a numeric address."},
    HOP_INTERFACE_OPTION,
    {"interval", T3OPS_OPT_DURATION, "500ms", 100000, 60000000,
     "How soon a request is repeated, until one of the heartbeat is answered."},
    {"timeout", T3OPS_OPT_DURATION, "5s", 100000, 600000000,
     "How long a leg that is not up waits for its first answer."},
};

static const struct t3ops_metric metrics[] = {
    [REQUESTS] = {.name = "t3ops_icmp_requests_total",
                  .type = T3OPS_COUNTER,
                  .help = "Echo requests that were sent."},
    [LOST] = {.name = "t3ops_icmp_lost_total",
              .type = T3OPS_COUNTER,
              .help = "Echo requests that were not answered, also where a later one of the same heartbeat was."},
};

T3OPS_PLUGIN(probe_icmp) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_icmp",
    .version = PACKAGE_VERSION,
    .summary = "ICMP echo leg to a hop",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .check = check,
    .start = start,
    .stop = stop,
    .leg_segments = "",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
