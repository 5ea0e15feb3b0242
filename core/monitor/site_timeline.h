/* SPDX-License-Identifier: MIT */
/* The page's timeline: a lane a segment, a leg, a user, and the host's pressure under them, as SVG.  Pure. */
#ifndef T3OPS_MONITOR_SITE_TIMELINE_H
#define T3OPS_MONITOR_SITE_TIMELINE_H

#include <stdio.h>

#include "monitor/site_data.h"

void site_timeline(FILE *out, const struct site_data *s);

#endif
