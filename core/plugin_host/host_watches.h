/* SPDX-License-Identifier: MIT */
/* The services fd_watch and fd_unwatch. */
#ifndef T3OPS_PLUGIN_HOST_HOST_WATCHES_H
#define T3OPS_PLUGIN_HOST_HOST_WATCHES_H

#include "plugin_host/instance.h"

void host_watches_fill(struct t3ops_host *services);
/* Stops every watch of the instance; the descriptors stay open. */
void host_watches_release(struct t3ops_instance *i);

#endif
