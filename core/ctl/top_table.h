/* SPDX-License-Identifier: MIT */
/* What t3opsctl top shows: an answer of the daemon as a head and a table of users, in an order. */
#ifndef T3OPS_CTL_TOP_TABLE_H
#define T3OPS_CTL_TOP_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* "rate", "tunnels", "heartbeat", "user" */
enum top_order { TOP_BY_RATE, TOP_BY_TUNNELS, TOP_BY_HEARTBEAT, TOP_BY_USER };

bool top_order_parse(const char *text, enum top_order *out);
/* Those who are connected, in that order; as many as fit into `lines`, 0: all.  width: of the terminal, 0: none. */
void top_print(FILE *out, const json_t *answer, enum top_order order, int width, int lines);

#endif
