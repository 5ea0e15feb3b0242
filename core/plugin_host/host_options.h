/* SPDX-License-Identifier: MIT */
/* The services that read a section's options: opt_string, opt_count, opt_item, opt_int, opt_bool. */
#ifndef T3OPS_PLUGIN_HOST_HOST_OPTIONS_H
#define T3OPS_PLUGIN_HOST_HOST_OPTIONS_H

#include "plugin.h"

void host_options_fill(struct t3ops_host *services);

#endif
