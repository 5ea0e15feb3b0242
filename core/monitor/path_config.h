/* SPDX-License-Identifier: MIT */
/* The monitor's config as the diagnosis takes it.  Monitor process; pure. */
#ifndef T3OPS_MONITOR_PATH_CONFIG_H
#define T3OPS_MONITOR_PATH_CONFIG_H

#include "conf/process_config.h"
#include "diagnosis/topology.h"

/* Fills *out, which borrows from config.  0 or -ENOMEM. */
int path_config_read(const struct process_config *config, struct path_shape *out);
void path_config_fini(struct path_shape *shape);

#endif
