/* SPDX-License-Identifier: MIT */
/* Jobs, commands and actions. */
#ifndef T3OPS_TESTHOST_RUNS_H
#define T3OPS_TESTHOST_RUNS_H

#include "host.h"

void testhost_runs_fill(struct t3ops_host *s);
size_t testhost_runs_release(struct testhost *h); /* how many commands and actions were left */

#endif
