/* SPDX-License-Identifier: MIT */
/* One plugin section at work in this process.  Types only. */
#ifndef T3OPS_PLUGIN_HOST_INSTANCE_H
#define T3OPS_PLUGIN_HOST_INSTANCE_H

#include <sys/queue.h>

#include "conf/resolved_config.h"
#include "plugin.h"

struct plugin_host;

struct t3ops_instance {
	struct plugin_host *host;
	struct t3ops_plugin plugin; /* our copy of the descriptor */
	struct t3ops_ctx ctx;       /* handed to callbacks */
	const struct plugin_section *section;
	/* What it owns: each list belongs to the file of that service. */
	LIST_HEAD(, t3ops_timer) timers;
	LIST_HEAD(, t3ops_fd_watch) watches;
	LIST_HEAD(, host_fetch) fetches;
	LIST_HEAD(, host_command) commands;
	LIST_HEAD(, t3ops_ws) websockets;
};

#endif
