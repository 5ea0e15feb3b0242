/* SPDX-License-Identifier: MIT */
/* From how a transfer failed (fetch.h) to why a leg ended (tbl/close_reason.h).  Pure; plugins are built
 * with it, too. */
#ifndef T3OPS_NET_FETCH_REASON_H
#define T3OPS_NET_FETCH_REASON_H

#include "plugin.h"

/* error: t3ops_fetched.error, not 0; step: the one that failed. */
enum t3ops_reason fetch_reason(int error, uint32_t step);
/* Of a status that was not the expected one: a redirect is a sign-in page in the way. */
enum t3ops_reason status_reason(int status);

#endif
