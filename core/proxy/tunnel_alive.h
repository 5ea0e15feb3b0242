/* SPDX-License-Identifier: MIT */
/* Live-tunnel evidence: a drop makes the monitor ask what still works, and a user's tunnel that carries
 * data after it acquits the path it crosses.  Proxy. */
#ifndef T3OPS_PROXY_TUNNEL_ALIVE_H
#define T3OPS_PROXY_TUNNEL_ALIVE_H

#include <stdint.h>

struct worker;
struct alive_rounds;

/* worker->alive_rounds.  NULL without memory. */
struct alive_rounds *alive_rounds_new(void);
void alive_rounds_free(struct alive_rounds *all); /* ends those in progress */
/* A second after the question, one tunnel_alive for each user with a tunnel older than since_us
 * (CLOCK_MONOTONIC) whose client has sent since; they carry the id. */
void alive_round_begin(struct worker *worker, uint64_t id, uint64_t since_us);

#endif
