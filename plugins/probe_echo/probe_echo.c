/* SPDX-License-Identifier: MIT */
/*
 * probe_echo: the far end of the WebSocket legs.  /probe/ws echoes small frames to anybody who comes
 * this far, and large ones to the installation's own legs, which show a key; /probe/healthz says that t3ops serves;
 * nothing below /probe/ ever reaches a t3 server, so exempting it from the sign-in opens nothing else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/ws_beat.h"
#include "plugin.h"

#define ENDED_KEPT   64
#define CLOSE_POLICY 1008 /* it sends too fast, or does not take its echoes */

enum { METRIC_CONNECTIONS, METRIC_OWN, METRIC_REFUSED, METRIC_TOO_FAST, METRIC_NOT_TAKEN };

/* The heartbeats of one connection of a leg: what it may ask for over another one. */
struct beats {
	char id[WS_ID_SIZE]; /* "": none came */
	uint64_t number;     /* of the last one that was received, and answered */
};

/* One probe, and how many messages it may still send in this second. */
struct probe {
	LIST_ENTRY(probe) link;
	bool own;         /* it showed the key: it takes no place of others */
	char address[48]; /* whose it is; "" if that is not known */
	uint64_t second;
	int64_t left;
	struct beats beats; /* of an own leg */
};

struct echo {
	const struct t3ops_host *host;
	LIST_HEAD(, probe) probes;
	int64_t open, own, most, per_address, rate; /* open: without own */
	struct t3ops_ws_handler handler, own_handler;
	struct beats ended[ENDED_KEPT]; /* of connections that are over, the oldest one goes first */
	size_t n_ended;
};

static void open_count(struct t3ops_ctx *ctx, bool own, int change)
{
	struct echo *e = ctx->state;

	*(own ? &e->own : &e->open) += change;
	e->host->gauge(ctx, METRIC_CONNECTIONS, NULL, (double)e->open);
	e->host->gauge(ctx, METRIC_OWN, NULL, (double)e->own);
}

/* Takes the same time wherever they differ. */
static bool shows_key(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct t3ops_host *host = ctx->host;
	const char *key = T3OPS_HOST_HAS(host, probe_key) ? host->probe_key(ctx) : "";
	const char *shown = host->request_header(ctx, r, WS_PROBE_KEY_HEADER);
	unsigned char differs = 0;

	if (!shown || key[0] == '\0' || strlen(shown) != strlen(key))
		return false;
	for (size_t i = 0; key[i] != '\0'; i++)
		differs |= (unsigned char)(key[i] ^ shown[i]);
	return differs == 0;
}

/* Of IPv6 the network counts: a single client has a whole one to choose from. */
static void address_find(struct t3ops_ctx *ctx, t3ops_request_id r, struct probe *p)
{
	const struct t3ops_host *host = ctx->host;
	unsigned char v6[16];

	if (!T3OPS_HOST_HAS(host, request_address) || !host->request_address(ctx, r, p->address, sizeof p->address) ||
	    inet_pton(AF_INET6, p->address, v6) != 1)
		return;
	memset(v6 + 8, 0, 8);
	inet_ntop(AF_INET6, v6, p->address, sizeof p->address);
}

static bool has_its_share(const struct echo *e, const struct probe *p)
{
	const struct probe *other;
	int64_t n = 0;

	LIST_FOREACH (other, &e->probes, link)
		n += !other->own && strcmp(other->address, p->address) == 0;
	return e->per_address > 0 && p->address[0] != '\0' && n >= e->per_address;
}

/* Pings count, too: each one is answered. */
static bool is_too_fast(struct t3ops_ctx *ctx, struct probe *p)
{
	struct echo *e = ctx->state;
	uint64_t second = e->host->now_us(ctx) / 1000000;

	if (second != p->second) {
		p->second = second;
		p->left = e->rate;
	}
	return p->left-- <= 0;
}

static void probe_end(struct t3ops_ctx *ctx, struct probe *p)
{
	struct echo *e = ctx->state;

	if (p->beats.id[0] != '\0')
		e->ended[e->n_ended++ % ENDED_KEPT] = p->beats;
	LIST_REMOVE(p, link);
	open_count(ctx, p->own, -1);
	free(p);
}

static const struct beats *beats_find(const struct echo *e, const char *id)
{
	const struct probe *p;

	LIST_FOREACH (p, &e->probes, link)
		if (strcmp(p->beats.id, id) == 0)
			return &p->beats;
	for (size_t i = 0; i < ENDED_KEPT; i++)
		if (strcmp(e->ended[i].id, id) == 0)
			return &e->ended[i];
	return NULL;
}

/* The answer to a heartbeat with an id, or to the question after one; 0: it is neither, or is not known here. */
static size_t own_answer(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const void *data, size_t len, struct probe *p,
                         char out[WS_BEAT_SIZE])
{
	const struct t3ops_host *host = ctx->host;
	const struct beats *known;
	struct ws_stamps stamps = {.received_us = host->now_us(ctx)};
	char id[WS_ID_SIZE];

	if (ws_seen_read(data, len, id)) {
		known = beats_find(ctx->state, id);
		return known != NULL ? ws_seen_answer(id, known->number, out) : 0;
	}
	if (!ws_beat_read(data, len, &p->beats.number, p->beats.id))
		return 0;
	if (T3OPS_HOST_HAS(host, ws_waited_us))
		stamps.received_us -= host->ws_waited_us(ctx, ws);
	stamps.answered_us = host->now_us(ctx);
	return ws_beat_answer(p->beats.number, p->beats.id, &stamps, out);
}

/* Own legs learn when a heartbeat was here, what became of an earlier one, and which way a large message was lost. */
static int echo(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len, struct probe *p)
{
	const struct t3ops_host *host = ctx->host;
	char answer[WS_BEAT_SIZE];
	size_t n = p->own && op == T3OPS_WS_TEXT ? own_answer(ctx, ws, data, len, p, answer) : 0;
	int r = 0;

	if (n > 0)
		return host->ws_send(ctx, ws, T3OPS_WS_TEXT, answer, n);
	if (p->own && op == T3OPS_WS_BINARY && len >= WS_LARGE_SIZE)
		r = host->ws_send(ctx, ws, T3OPS_WS_TEXT, WS_LARGE_ARRIVED, strlen(WS_LARGE_ARRIVED));
	return r == 0 ? host->ws_send(ctx, ws, op, data, len) : r;
}

static void on_message(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len, void *arg)
{
	struct echo *e = ctx->state;
	struct probe *p = arg;

	if (is_too_fast(ctx, p))
		e->host->count(ctx, METRIC_TOO_FAST, NULL, 1);
	else if (op != T3OPS_WS_TEXT && op != T3OPS_WS_BINARY)
		return; /* pings are answered by the host */
	else if (echo(ctx, ws, op, data, len, p) == 0)
		return;
	else
		e->host->count(ctx, METRIC_NOT_TAKEN, NULL, 1);
	probe_end(ctx, p);
	e->host->ws_close(ctx, ws, CLOSE_POLICY);
}

static void on_end(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg)
{
	(void)ws, (void)end;
	probe_end(ctx, arg);
}

/* Whether it was answered here. */
static bool answer(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *more, const char *body)
{
	struct echo *e = ctx->state;
	const char *const headers[] = {"content-type: application/json", "cache-control: no-store", more, NULL};

	return e->host->request_respond(ctx, r, status, headers, body, strlen(body)) == 0;
}

/* A place for it; NULL: there is none. */
static struct probe *probe_new(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct echo *e = ctx->state;
	bool own = shows_key(ctx, r);
	struct probe *p = own || e->open < e->most ? calloc(1, sizeof *p) : NULL;

	if (!p)
		return NULL;
	p->own = own;
	address_find(ctx, r, p);
	if (own || !has_its_share(e, p))
		return p;
	free(p);
	return NULL;
}

static void ws_begin(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct echo *e = ctx->state;
	struct probe *p;

	if (!e->host->request_is_upgrade(ctx, r)) {
		answer(ctx, r, 426, "upgrade: websocket", "{\"error\":\"this is a WebSocket\"}\n");
		return;
	}
	p = probe_new(ctx, r);
	if (p && e->host->request_accept_ws(ctx, r, p->own ? &e->own_handler : &e->handler, p)) {
		LIST_INSERT_HEAD(&e->probes, p, link);
		open_count(ctx, p->own, 1);
		return;
	}
	free(p);
	/* a faulty handshake is answered already */
	if (answer(ctx, r, 503, "retry-after: 10", "{\"error\":\"too many probes\"}\n"))
		e->host->count(ctx, METRIC_REFUSED, NULL, 1);
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct echo *e = ctx->state;
	const char *target = e->host->request_target(ctx, r);
	size_t path_len = strcspn(target, "?");

	if (strncmp(target, "/probe/", 7) != 0)
		return T3OPS_NEXT;
	if (path_len == 9 && memcmp(target, "/probe/ws", 9) == 0)
		ws_begin(ctx, r);
	else if (path_len == 14 && memcmp(target, "/probe/healthz", 14) == 0)
		answer(ctx, r, 200, NULL, "{\"status\":\"ok\"}\n");
	else
		answer(ctx, r, 404, NULL, "{\"error\":\"no such probe\"}\n");
	return T3OPS_DONE;
}

static int init(struct t3ops_ctx *ctx)
{
	struct echo *e = calloc(1, sizeof *e);

	if (!e)
		return -ENOMEM;
	e->host = ctx->host;
	e->most = ctx->host->opt_int(ctx, "connections");
	e->per_address = ctx->host->opt_int(ctx, "per_address");
	e->rate = ctx->host->opt_int(ctx, "rate");
	e->handler = (struct t3ops_ws_handler){.struct_size = sizeof e->handler,
	                                       .on_message = on_message,
	                                       .on_end = on_end,
	                                       .max_message = (size_t)ctx->host->opt_int(ctx, "max_frame"),
	                                       .idle_us = (uint64_t)ctx->host->opt_int(ctx, "idle")};
	e->own_handler = e->handler;
	if (e->own_handler.max_message < WS_LARGE_SIZE)
		e->own_handler.max_message = WS_LARGE_SIZE;
	ctx->state = e;
	open_count(ctx, false, 0);
	return 0;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
}

static const struct t3ops_option options[] = {
    {"idle", T3OPS_OPT_DURATION, "90s", 1000000, 0, "A probe that sends nothing for this long is closed with 1001."},
    {"max_frame", T3OPS_OPT_BYTES, "1K", 125, 65536,
     "A larger message is closed with 1009, unless it is one of the installation's own legs, which may send 64 KiB."},
    {"connections", T3OPS_OPT_INT, "64", 1, 65536,
     "Probes that are open at most, the installation's own legs not counted; further ones are answered 503."},
    {"per_address", T3OPS_OPT_INT, "8", 0, 65536,
     "Of these, probes of one client (an IPv4 address, an IPv6 /64) at most; 0: no limit."},
    {"rate", T3OPS_OPT_INT, "20", 1, 65536,
     "Messages and pings of one probe in a second; with more it is closed with 1008."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_CONNECTIONS] = {.name = "t3ops_probe_echo_connections",
                            .type = T3OPS_GAUGE,
                            .help = "Probes that are open, without the installation's own legs."},
    [METRIC_OWN] = {.name = "t3ops_probe_echo_own_connections",
                    .type = T3OPS_GAUGE,
                    .help = "Legs of the installation itself that are open: those that show the probe key."},
    [METRIC_REFUSED] = {.name = "t3ops_probe_echo_refused_total",
                        .type = T3OPS_COUNTER,
                        .help = "Probes refused because there were too many."},
    [METRIC_TOO_FAST] = {.name = "t3ops_probe_echo_too_fast_total",
                         .type = T3OPS_COUNTER,
                         .help = "Probes ended because they sent too fast."},
    [METRIC_NOT_TAKEN] = {.name = "t3ops_probe_echo_not_taken_total",
                          .type = T3OPS_COUNTER,
                          .help = "Probes ended because they did not take their echoes."},
};

T3OPS_PLUGIN(probe_echo) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "probe_echo",
    .version = PACKAGE_VERSION,
    .summary = "answers the probe legs at /probe/ws and /probe/healthz",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .stop = stop,
    .on_request = on_request,
    .answers = "/probe/ws /probe/healthz /probe/",
};
