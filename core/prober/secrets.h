/* SPDX-License-Identifier: MIT */
/*
 * The services secret_load and secret_save: files state_dir/secrets/SECTION/USER, mode 0600, in directories of mode
 * 0700, each replaced at once.  Short blocking file calls.
 */
#ifndef T3OPS_PROBER_SECRETS_H
#define T3OPS_PROBER_SECRETS_H

#include "plugin.h"

void secrets_fill(struct t3ops_host *services);

#endif
