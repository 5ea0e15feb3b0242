/* SPDX-License-Identifier: MIT */
/* The services by which a plugin reports: log, count, gauge, observe, emit. */
#ifndef T3OPS_PLUGIN_HOST_HOST_REPORT_H
#define T3OPS_PLUGIN_HOST_HOST_REPORT_H

#include "plugin_host/instance.h"

void host_report_fill(struct t3ops_host *services);
/* A plugin's counters without labels exist from the start, at 0. */
void host_report_begin(struct t3ops_instance *i);

#endif
