/* SPDX-License-Identifier: MIT */
/* The monitor process: events to journal, verdicts, pages and control socket. */
#ifndef T3OPS_MONITOR_MONITOR_H
#define T3OPS_MONITOR_MONITOR_H

#include "process/process.h"

extern const struct process_ops monitor_ops;

#endif
