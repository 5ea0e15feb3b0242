/* SPDX-License-Identifier: MIT */
/* The services fetch and fetch_cancel, and the two that name why a transfer failed. */
#ifndef T3OPS_PLUGIN_HOST_HOST_FETCH_H
#define T3OPS_PLUGIN_HOST_HOST_FETCH_H

#include "plugin_host/instance.h"

void host_fetch_fill(struct t3ops_host *services);
/* Cancels every fetch of the instance; no callback follows. */
void host_fetch_release(struct t3ops_instance *i);

#endif
