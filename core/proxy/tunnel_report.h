/* SPDX-License-Identifier: MIT */
/* What is said of a tunnel: that it is open, what its page experiences, and why it ended.  Proxy. */
#ifndef T3OPS_PROXY_TUNNEL_REPORT_H
#define T3OPS_PROXY_TUNNEL_REPORT_H

#include "proxy/tunnel_state.h"

/* As of when it was opened. */
void tunnel_report_open(const struct tunnel *t);
/* What its page experiences while it is open. */
void tunnel_report_page(const struct tunnel *t, uint64_t now_us);
/* As of when that was decided, unless it was reported already. */
void tunnel_report_end(struct tunnel *t, const struct tunnel_end *end);

#endif
