/* SPDX-License-Identifier: MIT */
/*
 * Entering and leaving a plugin's code.  Every callback goes through here: the watchdog page names it while
 * it runs, and one over its budget (option plugin_budget) is counted and reported when it returns.
 */
#ifndef T3OPS_PLUGIN_HOST_PLUGIN_CALL_H
#define T3OPS_PLUGIN_HOST_PLUGIN_CALL_H

#include "plugin_host/instance.h"

/* The counters of slow callbacks exist from the start, at 0, for those of the descriptor. */
void plugin_calls_begin(const struct t3ops_instance *i);

/* Around every callback.  `callback` is static.  They nest: a service may call back into its caller. */
void plugin_enter(struct t3ops_instance *i, const char *callback);
void plugin_leave(struct t3ops_instance *i);

#endif
