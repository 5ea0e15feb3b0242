/* SPDX-License-Identifier: MIT */
/* Tunnels as witnesses: a drop makes the desk ask what still works, and a user's tunnel that carries
 * data after it acquits the path it crosses.  Front. */
#ifndef T3OPS_FRONT_WITNESS_H
#define T3OPS_FRONT_WITNESS_H

#include "front/front_state.h"

/* A second after the question, one witness for each user with a tunnel older than since_us
 * (CLOCK_MONOTONIC) whose client has sent since; they carry the id. */
void witness_round_begin(struct front *f, uint64_t id, uint64_t since_us);
void witness_rounds_free(struct front *f);

#endif
