/* SPDX-License-Identifier: MIT */
/* What `t3ops -t` says to files before they are written. */
#ifndef T3OPS_CTL_INIT_CHECK_H
#define T3OPS_CTL_INIT_CHECK_H

#include "ctl/init_answers.h"
#include "ctl/init_files.h"

/* Writes copies into a directory of their own, which is removed, and has them checked; prints errors and warnings. */
bool init_check(const struct init_answers *a);

#endif
