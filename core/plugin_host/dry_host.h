/* SPDX-License-Identifier: MIT */
/*
 * A plugin's own configuration step without its process: init, then check, then stop, with a host that reads options
 * and keeps the clock but starts nothing: timers, fetches and commands are taken and never come back.  In the child
 * that checks a config; the plugin is loaded there already.
 */
#ifndef T3OPS_PLUGIN_HOST_DRY_HOST_H
#define T3OPS_PLUGIN_HOST_DRY_HOST_H

#include "conf/config_faults.h"
#include "conf/resolved_config.h"
#include "plugin.h"

/* What the plugin reports goes to f, and one error if init or check fails without a word. */
void plugin_dry_run(const struct plugin_section *section, const struct t3ops_plugin *plugin,
                    const struct config_faults *f);

#endif
