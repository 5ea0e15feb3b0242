/* SPDX-License-Identifier: MIT */
/* Of `t3opsctl doctor`: the keys that tokens are verified with, of each plugin that fetches some. */
#ifndef T3OPS_CTL_DOCTOR_KEYS_H
#define T3OPS_CTL_DOCTOR_KEYS_H

#include "ctl/doctor_case.h"

void doctor_keys(struct doctor *d);

#endif
