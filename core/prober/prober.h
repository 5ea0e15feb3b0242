/* SPDX-License-Identifier: MIT */
/*
 * The prober: holds the legs, permanent synthetic connections that differ only in the segments they cross.  It owns
 * their heartbeats, watchdogs and back-off, and answers the monitor's probes; how a leg connects and pings is up to
 * its plugin.
 */
#ifndef T3OPS_PROBER_PROBER_H
#define T3OPS_PROBER_PROBER_H

#include "process/process.h"

extern const struct process_ops prober_ops;

#endif
