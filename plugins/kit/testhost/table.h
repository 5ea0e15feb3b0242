/* SPDX-License-Identifier: MIT */
/* Users, services, secrets and events. */
#ifndef T3OPS_TESTHOST_TABLE_H
#define T3OPS_TESTHOST_TABLE_H

#include "host.h"

void testhost_table_fill(struct t3ops_host *s);
/* NULL: no such user. */
const struct t3ops_user *testhost_user_get(const struct testhost *h, const char *name);

#endif
