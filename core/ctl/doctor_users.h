/* SPDX-License-Identifier: MIT */
/* Of `t3opsctl doctor`: each user's t3 server, and a pairing credential for each, which is not used. */
#ifndef T3OPS_CTL_DOCTOR_USERS_H
#define T3OPS_CTL_DOCTOR_USERS_H

#include "ctl/doctor_case.h"

void doctor_users(struct doctor *d);

#endif
