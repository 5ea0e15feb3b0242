/* SPDX-License-Identifier: MIT */
/* Of `t3opsctl doctor`: the way of each WebSocket leg, as a stranger sees it. */
#ifndef T3OPS_CTL_DOCTOR_PATHS_H
#define T3OPS_CTL_DOCTOR_PATHS_H

#include "ctl/doctor_case.h"

void doctor_paths(struct doctor *d);

#endif
