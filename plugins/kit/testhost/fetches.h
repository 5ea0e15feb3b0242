/* SPDX-License-Identifier: MIT */
/* HTTP transfers, and which names resolve. */
#ifndef T3OPS_TESTHOST_FETCHES_H
#define T3OPS_TESTHOST_FETCHES_H

#include "host.h"

void testhost_fetches_fill(struct t3ops_host *s);
size_t testhost_fetches_release(struct testhost *h); /* how many were left */
bool testhost_url_resolves(const struct testhost *h, const char *url);

#endif
