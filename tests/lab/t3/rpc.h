/* SPDX-License-Identifier: MIT */
/* The few messages of t3's RPC that the lab needs, one JSON object each, and some of its own. */
#ifndef T3STUB_RPC_H
#define T3STUB_RPC_H

#include "lab/t3/conn.h"

/* Answers one message; an Ack is never answered. */
void rpc_answer(struct conn *c, const char *data, size_t len);
/* Sends the next chunk of the connection's subscription. */
void rpc_chunk_send(struct conn *c);

#endif
