/* SPDX-License-Identifier: MIT */
/* What the plugin says. */
#ifndef T3OPS_TESTHOST_RECORDS_H
#define T3OPS_TESTHOST_RECORDS_H

#include "host.h"

void testhost_records_fill(struct t3ops_host *s);

#endif
