/* SPDX-License-Identifier: MIT */
/* The version of the server that answers now, as it says itself. */
#ifndef T3OPS_PLUGINS_UPGRADE_RUNNING_H
#define T3OPS_PLUGINS_UPGRADE_RUNNING_H

#include "plugin.h"
#include "version.h"

/* "" if nothing answers, or something else. */
void running_version(struct t3ops_ctx *ctx, const struct t3ops_user *user, char out[VERSION_SIZE]);

#endif
