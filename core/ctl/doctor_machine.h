/* SPDX-License-Identifier: MIT */
/* Of `t3opsctl doctor`: the machine and what runs on it. */
#ifndef T3OPS_CTL_DOCTOR_MACHINE_H
#define T3OPS_CTL_DOCTOR_MACHINE_H

#include "ctl/doctor_case.h"

void doctor_units(struct doctor *d);
/* The running daemon, over its control socket: its processes and legs. */
void doctor_daemon(struct doctor *d);
void doctor_clock(struct doctor *d);
/* Room for what jobs write for each user. */
void doctor_disk(struct doctor *d);
/* Whether Prometheus has the alerts and reaches the metrics; nothing without its URL. */
void doctor_alerts(struct doctor *d);

#endif
