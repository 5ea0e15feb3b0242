/* SPDX-License-Identifier: MIT */
/*
 * A user's tunnel that works is a sign of life: legs that are down need not wait for their back-off.  The prober is
 * asked at most ten times a second, and only while a leg is down that the tunnel says something of.
 */
#ifndef T3OPS_MONITOR_SIGN_OF_LIFE_H
#define T3OPS_MONITOR_SIGN_OF_LIFE_H

#include "monitor/monitor_state.h"

void sign_of_life_event(struct monitor *d, const struct event *e, uint64_t now_us);

#endif
