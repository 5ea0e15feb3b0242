/* SPDX-License-Identifier: MIT */
/*
 * The monitor's HTTP pages, / (site.h) /metrics /status /verdicts /users /healthz: one request a connection, GET and
 * HEAD only, local readers (Prometheus, a person's browser).  Monitor process.
 */
#ifndef T3OPS_MONITOR_PAGES_H
#define T3OPS_MONITOR_PAGES_H

#include "monitor/local_server.h"

/* The server's arg is the struct monitor. */
struct monitor;
/* What pages_rules need of it. */
void pages_init(struct monitor *d);

extern const struct local_rules pages_rules;

#endif
