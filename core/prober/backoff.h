/* SPDX-License-Identifier: MIT */
/* The pause before a leg's next attempt.  Pure. */
#ifndef T3OPS_PROBER_BACKOFF_H
#define T3OPS_PROBER_BACKOFF_H

#include <stdint.h>

/* After `failures` attempts in a row that failed (1 and more): min_us doubled each time up to max_us,
 * minus up to a quarter by `random`, so that many legs do not come back as one. */
uint64_t backoff_us(uint64_t min_us, uint64_t max_us, unsigned failures, uint32_t random);

/* The pause when something on the path works again, from now: until a heartbeat after the last try, and a tenth of
 * one by `random` at most if that is over. */
uint64_t backoff_retry_us(uint64_t last_us, uint64_t heartbeat_us, uint64_t now_us, uint32_t random);

#endif
