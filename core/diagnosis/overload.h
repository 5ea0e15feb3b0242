/* SPDX-License-Identifier: MIT */
/*
 * Servers of many users that are late at the same time.  Each is a program of its own: that so many fall silent
 * within seconds is no chance, and if programs waited for the machine meanwhile, the machine is what they share.
 * Pure.
 */
#ifndef T3OPS_DIAGNOSIS_OVERLOAD_H
#define T3OPS_DIAGNOSIS_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/host_events.h"
#include "diagnosis/incident.h"
#include "diagnosis/probe_table.h"

/* What their being late says of the host: false if they are too few, or the machine was not busy. */
bool overload_find(const struct probe_table *legs, const struct incident *in, const struct pressure_ring *ring,
                   uint64_t now_us, struct host_event *out);
/* Whether something is late while the machine is busy, and many servers still owe an answer to what they were asked
 * then: they may be found to be late, too. */
bool overload_may_be(const struct probe_table *legs, const struct pressure_ring *ring, uint64_t asked_us);

#endif
