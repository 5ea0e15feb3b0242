/* SPDX-License-Identifier: MIT */
/* Heartbeats, and what became of them; see ws_trace.h. */
#include "common/ws_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PATIENCE_US UINT64_C(1000000) /* what is out for less is on its way */

/* Nobody else's: the echo keeps them apart by it. */
static void id_make(char out[WS_ID_SIZE])
{
	uint64_t word = 0;

	(void)!getrandom(&word, sizeof word, GRND_NONBLOCK);
	snprintf(out, WS_ID_SIZE, "%016" PRIx64, word);
}

void ws_trace_begin(struct ws_trace *t, struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	t->ctx = ctx;
	t->leg = leg;
	if (t->out.id[0] != '\0')
		t->ended = t->out;
	t->out.id[0] = '\0';
	id_make(t->id);
}

void ws_trace_send(struct ws_trace *t, struct t3ops_ws *ws)
{
	char text[WS_BEAT_SIZE];
	size_t n = ws_beat_make(++t->numbers, t->id, text);

	t->out = (struct ws_unanswered){.number = t->numbers, .sent_us = t->ctx->host->now_us(t->ctx)};
	memcpy(t->out.id, t->id, sizeof t->out.id);
	if (ws)
		t->ctx->host->ws_send(t->ctx, ws, T3OPS_WS_TEXT, text, n); /* a failure ends the WebSocket */
}

/* Only the answer to the last one counts: an older one would report a wrong round trip. */
bool ws_trace_answered(struct ws_trace *t, const void *data, size_t len, uint64_t *rtt_us)
{
	const struct t3ops_host *host = t->ctx->host;
	struct ws_stamps stamps;

	if (t->out.id[0] == '\0' || !ws_beat_is(t->out.number, t->out.id, data, len, &stamps))
		return false;
	t->out.id[0] = '\0';
	*rtt_us = host->now_us(t->ctx) - t->out.sent_us;
	if (stamps.received_us > 0 && T3OPS_HOST_HAS(host, leg_stamps))
		host->leg_stamps(t->ctx, t->leg, t->out.sent_us, stamps.received_us, stamps.answered_us);
	return true;
}

static void ask(struct ws_trace *t, struct t3ops_ws *ws, const char *id)
{
	char text[WS_BEAT_SIZE];
	size_t n = ws_seen_ask(id, text);

	t->ctx->host->ws_send(t->ctx, ws, T3OPS_WS_TEXT, text, n);
}

void ws_trace_ask(struct ws_trace *t, struct t3ops_ws *ws)
{
	if (t->ctx == NULL || !T3OPS_HOST_HAS(t->ctx->host, leg_beat))
		return;
	if (t->ended.id[0] != '\0')
		ask(t, ws, t->ended.id);
	if (t->out.id[0] != '\0' && t->ctx->host->now_us(t->ctx) - t->out.sent_us >= PATIENCE_US)
		ask(t, ws, t->out.id);
}

static bool tell(struct ws_trace *t, struct ws_unanswered *u, const void *data, size_t len)
{
	uint64_t seen;
	uint32_t fate;

	if (u->id[0] == '\0' || !ws_seen_is(u->id, data, len, &seen))
		return false;
	fate = seen >= u->number ? T3OPS_BEAT_ANSWERED : T3OPS_BEAT_NOT_ARRIVED;
	if (fate != u->told)
		t->ctx->host->leg_beat(t->ctx, t->leg, fate);
	u->told = fate;
	return true;
}

bool ws_trace_told(struct ws_trace *t, const void *data, size_t len)
{
	if (tell(t, &t->out, data, len))
		return true;
	if (!tell(t, &t->ended, data, len))
		return false;
	t->ended.id[0] = '\0';
	return true;
}
