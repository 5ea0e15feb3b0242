/* SPDX-License-Identifier: MIT */
/*
 * The configuration steps of every process and every plugin, dry, so that a config that passes is one that starts;
 * and the user table, which several of them read.  For `t3ops -t`, a start and a reload alike: in the child that
 * checks.
 */
#ifndef T3OPS_PLUGIN_HOST_CONFIG_CHECKS_H
#define T3OPS_PLUGIN_HOST_CONFIG_CHECKS_H

#include "conf/resolve.h"
#include "process/process.h"

/* ops: of each process_id, NULL where there are none; borrowed as long as the result is used. */
struct config_checks config_checks_of(const struct process_ops *const ops[PROCESSES]);

#endif
