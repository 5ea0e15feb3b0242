/* SPDX-License-Identifier: MIT */
/* /ws: the upgrade, frames, and the few JSON messages that the lab needs. */
#ifndef T3STUB_WEBSOCKET_H
#define T3STUB_WEBSOCKET_H

#include "lab/t3/server.h"

/* Answers 101. */
void websocket_accept(struct conn *c, const struct request *r);
/* Takes whole frames out of c->in. */
void websocket_feed(struct conn *c);
/* Sends a close frame (code 0: without status) and closes behind it. */
void websocket_close(struct conn *c, int code);

#endif
