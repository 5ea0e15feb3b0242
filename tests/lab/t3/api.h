/* SPDX-License-Identifier: MIT */
/* What t3's HTTP interface answers, version by version. */
#ifndef T3STUB_API_H
#define T3STUB_API_H

#include "lab/t3/conn.h"

/* Answers one whole request; an upgrade turns the connection into a WebSocket. */
void api_answer(struct conn *c, const struct request *r);

#endif
