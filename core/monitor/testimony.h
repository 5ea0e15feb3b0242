/* SPDX-License-Identifier: MIT */
/*
 * What a leg of this t3ops sees, told to another t3ops that asks (/testimony): the first thing that happens to the
 * leg after the question, so that the answer is never older than that.  Both have the key of vantage_key_file;
 * question and answer carry a MAC, and the answer the challenge of the question, so that none can be made up or said
 * again.  No clocks are compared: the answer says how long it was held.  Monitor process.
 *
 *   question  /testimony?leg=NAME&challenge=HEX&mac=HEX      mac: of "t3ops-question 1\nCHALLENGE\nNAME\n"
 *   answer    lines of a name and a value, the last one mac: of all lines before it
 */
#ifndef T3OPS_MONITOR_TESTIMONY_H
#define T3OPS_MONITOR_TESTIMONY_H

#include <ev.h>
#include <stdbool.h>

#include "monitor/local_server.h"
#include "obs/event.h"

struct testimonies;

/* key: the digest of what vantage_key_file holds, in hex; "" answers nobody.  NULL with errno: without memory, or
 * EINVAL: that is no digest. */
struct testimonies *testimonies_new(struct ev_loop *loop, const char *key);
void testimonies_free(struct testimonies *t);

/* Answers, or holds the connection until there is something to say. */
void testimonies_ask(struct testimonies *t, struct local_conn *c, const char *query);
/* A leg reported something. */
void testimonies_event(struct testimonies *t, const struct event *e);
/* The connection is gone. */
void testimonies_forget(struct testimonies *t, const struct local_conn *c);

#endif
