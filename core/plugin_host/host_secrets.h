/* SPDX-License-Identifier: MIT */
/*
 * The services secret_load and secret_save, in the prober and in the monitor: files state_dir/secrets/SECTION/NAME,
 * mode 0600, in directories of mode 0700, each replaced at once; in the monitor it is on the disk, too.  Short
 * blocking file calls.
 */
#ifndef T3OPS_PLUGIN_HOST_HOST_SECRETS_H
#define T3OPS_PLUGIN_HOST_HOST_SECRETS_H

#include "plugin.h"

void host_secrets_fill(struct t3ops_host *services);

#endif
