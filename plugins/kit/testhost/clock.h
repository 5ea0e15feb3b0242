/* SPDX-License-Identifier: MIT */
/* The clock, and what is due at its times. */
#ifndef T3OPS_TESTHOST_CLOCK_H
#define T3OPS_TESTHOST_CLOCK_H

#include "host.h"

void testhost_due_set(struct testhost *h, struct testhost_due *d, uint64_t after_us);
void testhost_due_stop(struct testhost *h, struct testhost_due *d);
/* Lets time pass until the moment, or until *done. */
void testhost_run_until(struct testhost *h, uint64_t until_us, const bool *done);
size_t testhost_clock_release(struct testhost *h); /* how many timers and watches were left */
void testhost_clock_fill(struct t3ops_host *s);

#endif
