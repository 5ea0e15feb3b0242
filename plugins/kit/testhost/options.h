/* SPDX-License-Identifier: MIT */
/* Values of options. */
#ifndef T3OPS_TESTHOST_OPTIONS_H
#define T3OPS_TESTHOST_OPTIONS_H

#include "host.h"

void testhost_options_read(struct testhost *h, const char *const *options);
void testhost_options_fill(struct t3ops_host *s);
void testhost_options_fini(struct testhost *h);

#endif
