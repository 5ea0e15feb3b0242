/* SPDX-License-Identifier: MIT */
/*
 * Which segments the configured legs can tell apart, and which they cannot: printed by `t3ops -t`, so that nobody
 * expects a verdict finer than the legs allow.
 *
 * A leg looks at a segment from one of four sides: before its edge, at it, behind it, or on the way to
 * its resolver; two segments that every leg looks at from the same side share every verdict.  Pure.
 */
#ifndef T3OPS_CONF_IDENTIFIABILITY_H
#define T3OPS_CONF_IDENTIFIABILITY_H

#include <stdio.h>

#include "conf/resolved_config.h"

/* One line a group that cannot be told apart, and one that says so if there is none. */
void identifiability_print(const struct resolved_config *c, FILE *out);

#endif
