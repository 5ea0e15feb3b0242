/* SPDX-License-Identifier: MIT */
/* Why a tunnel ended; see close_reason.h. */
#include "proxy/close_reason.h"

#include <errno.h>

#include "obs/event.h"

#define CLOSE_GOING_AWAY 1001

/* A page that waited for its whole timeout, two periods or more; one that is reloaded says 1001. */
static bool gave_up(const struct tunnel_facts *f)
{
	return f->waiting_us >= f->period_us * 2 - f->period_us / 10 && f->client_code != CLOSE_GOING_AWAY;
}

static unsigned client_reason(const struct tunnel_facts *f)
{
	if (f->act == TUNNEL_STUCK || f->error == ETIMEDOUT)
		return T3OPS_R_CLIENT_TIMEOUT;
	if (gave_up(f))
		return T3OPS_R_CLIENT_GAVE_UP;
	return f->act == TUNNEL_BROKE ? T3OPS_R_CLIENT_RESET : T3OPS_R_CLIENT_EOF;
}

static unsigned upstream_reason(const struct tunnel_facts *f)
{
	if (f->act == TUNNEL_STUCK || f->error == ETIMEDOUT)
		return T3OPS_R_UPSTREAM_TIMEOUT;
	return f->act == TUNNEL_BROKE ? T3OPS_R_UPSTREAM_RESET : T3OPS_R_UPSTREAM_EOF;
}

unsigned close_reason_classify(const struct tunnel_facts *f, uint16_t *code)
{
	*code = 0;
	if (f->client_closed && (f->client_closed_first || !f->upstream_closed)) {
		*code = f->client_code;
		return gave_up(f) ? T3OPS_R_CLIENT_GAVE_UP : T3OPS_R_CLIENT_CLOSED;
	}
	if (f->upstream_closed) {
		*code = f->upstream_code;
		return T3OPS_R_UPSTREAM_CLOSED;
	}
	return f->side == TUNNEL_CLIENT ? client_reason(f) : upstream_reason(f);
}
