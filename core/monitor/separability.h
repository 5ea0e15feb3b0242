/* SPDX-License-Identifier: MIT */
/*
 * What `t3ops -t` says of verdicts to come: which segments the configured legs cannot tell apart, for faults that are
 * loud, silent or brief, and the leg that would.
 */
#ifndef T3OPS_MONITOR_SEPARABILITY_H
#define T3OPS_MONITOR_SEPARABILITY_H

#include <stdio.h>

#include "conf/resolved_config.h"

/* One line a set of segments, and one for the kinds of faults that have none. */
void separability_print(const struct resolved_config *c, FILE *out);

#endif
