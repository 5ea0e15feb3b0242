/* SPDX-License-Identifier: MIT */
/* The services by which a plugin reports: log, count, gauge, observe, emit. */
#ifndef T3OPS_PLUGIN_HOST_HOST_REPORT_H
#define T3OPS_PLUGIN_HOST_HOST_REPORT_H

#include "plugin.h"

void host_report_fill(struct t3ops_host *services);

#endif
