/* SPDX-License-Identifier: MIT */
/* Of `t3opsctl doctor`: the configuration, who may connect, files and their permissions. */
#ifndef T3OPS_CTL_DOCTOR_CONFIG_H
#define T3OPS_CTL_DOCTOR_CONFIG_H

#include "ctl/doctor_case.h"

/* Reads it into d->config; everything after it needs that. */
void doctor_config(struct doctor *d);
void doctor_trust(struct doctor *d);
void doctor_permissions(struct doctor *d);

#endif
