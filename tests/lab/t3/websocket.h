/* SPDX-License-Identifier: MIT */
/* /ws: the upgrade and the frames; what they say is in rpc.h. */
#ifndef T3STUB_WEBSOCKET_H
#define T3STUB_WEBSOCKET_H

#include "lab/t3/conn.h"

/* Answers 101. */
void websocket_accept(struct conn *c, const struct request *r);
/* Takes whole frames out of c->in. */
void websocket_feed(struct conn *c);
/* Sends a text message, compressed if that is negotiated and worth it. */
void websocket_send(struct conn *c, const char *text, size_t len);
/* Sends a close frame (code 0: without status) and closes behind it. */
void websocket_close(struct conn *c, int code);
/* What a server that stops sends: a close frame without a code, then a raw HTTP answer. */
void websocket_goodbye(struct conn *c);
/* Timer of a subscription. */
void websocket_on_chunk(struct ev_loop *loop, ev_timer *w, int events);

#endif
