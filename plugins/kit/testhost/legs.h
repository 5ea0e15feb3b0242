/* SPDX-License-Identifier: MIT */
/* The prober. */
#ifndef T3OPS_TESTHOST_LEGS_H
#define T3OPS_TESTHOST_LEGS_H

#include "host.h"

void testhost_legs_fill(struct t3ops_host *s);
/* Before stop: leg_close of those that are open. */
void testhost_legs_release(struct testhost *h);

#endif
