/* SPDX-License-Identifier: MIT */
/*
 * The plugins that are configured, and what of them went wrong within a day before this monitor and since then:
 * callbacks over their budget, and processes that ended inside one.  Monitor process.
 */
#ifndef T3OPS_MONITOR_PLUGIN_LIST_H
#define T3OPS_MONITOR_PLUGIN_LIST_H

#include <jansson.h>

#include "monitor/monitor_state.h"

struct plugin_list;

/* config is borrowed.  NULL without memory. */
struct plugin_list *plugin_list_new(const struct process_config *config);
void plugin_list_free(struct plugin_list *l);
/* Reads what the journal has of them. */
void plugin_list_begin(struct monitor *d);
void plugin_list_event(struct plugin_list *l, const struct event *e);

/* New reference: {"since":TIME, "abi":OURS, "plugins":[{"name":, "plugin":, "version":, "abi":, "kind":, "processes":
 * {NAME:how many run}, "legs":N of a leg, "restarts":N of these processes, "slow":{"callbacks":N, "longest_seconds":,
 * "longest_callback":, "last":TIME}, "ended":{"processes":N, "callback":of the last one, "last":TIME}}, ...]}, in the
 * order of the file. */
json_t *plugin_list_json(const struct monitor *d);

#endif
