/* SPDX-License-Identifier: MIT */
/* The state of an instance of upgrade in the monitor.  Types only. */
#ifndef T3OPS_PLUGINS_UPGRADE_WATCH_H
#define T3OPS_PLUGINS_UPGRADE_WATCH_H

struct outcomes;
struct fleet;

struct watch {
	struct outcomes *outcomes;
	struct fleet *fleet;
};

#endif
