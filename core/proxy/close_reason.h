/* SPDX-License-Identifier: MIT */
/* Why a tunnel ended: from what each side did first to a reason of tbl/close_reason.h.  Pure. */
#ifndef T3OPS_PROXY_CLOSE_REASON_H
#define T3OPS_PROXY_CLOSE_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ws_frames.h"

enum tunnel_peer { TUNNEL_CLIENT, TUNNEL_UPSTREAM };

enum tunnel_act {
	TUNNEL_ENDED, /* FIN, with or without a close frame before it */
	TUNNEL_BROKE, /* RST, or what the kernel gave up on */
	TUNNEL_STUCK, /* it took no data for tunnel_send_timeout */
};

/* What is known of a tunnel when its first side goes. */
struct tunnel_facts {
	enum tunnel_peer side; /* who ended it */
	enum tunnel_act act;
	int error; /* of TUNNEL_BROKE: positive errno */
	/* The first close frame seen, from either side, decides who closed. */
	bool client_closed, upstream_closed, client_closed_first;
	uint16_t client_code, upstream_code;
	uint64_t waiting_us; /* how long the page's oldest unanswered Ping had waited */
	uint64_t period_us;  /* of the page's heartbeat */
};

/* An enum t3ops_reason; *code: the close code that belongs to it, 0 without. */
unsigned close_reason_classify(const struct tunnel_facts *f, uint16_t *code);

#endif
