/* SPDX-License-Identifier: MIT */
/* The proxy. */
#ifndef T3OPS_TESTHOST_REQUESTS_H
#define T3OPS_TESTHOST_REQUESTS_H

#include "host.h"

void testhost_requests_fill(struct t3ops_host *s);
void testhost_requests_fini(struct testhost *h);

#endif
