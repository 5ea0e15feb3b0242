/* SPDX-License-Identifier: MIT */
/*
 * Actions between the monitor's plugins, the jobs process and people: what a plugin asks of a job
 * (t3ops_host.request_action), with its answer; and what people ask of a plugin for the installation as a whole
 * (t3ops_plugin.whole_actions).
 */
#ifndef T3OPS_MONITOR_PLUGIN_ACTIONS_H
#define T3OPS_MONITOR_PLUGIN_ACTIONS_H

#include <jansson.h>

#include "ipc/message.h"
#include "plugin_host/plugin_host.h"

struct plugin_actions;

/* Fills in request_action, argument, report and report_row of the plugins' services.  NULL without memory. */
struct plugin_actions *plugin_actions_new(struct plugin_host *plugins);
/* Whoever waits is told nothing more. */
void plugin_actions_free(struct plugin_actions *a);

/* An answer of the jobs process (MSG_JOB_DONE), or MSG_UNREACHABLE; false: no plugin waits for it. */
bool plugin_actions_message(struct plugin_actions *a, const struct msg_head *head, const void *payload);
/* The jobs process has ended: nobody answers any more. */
void plugin_actions_lost(struct plugin_actions *a);

/* The running instance that does that action for the installation as a whole; by section, or NULL, and then by
 * plugin. NULL: none does. */
struct t3ops_instance *plugin_actions_find(struct plugin_actions *a, const char *section, const char *plugin,
                                           const char *action);
/* Has it do that.  0 or negative errno; *rows, what it reported, is the caller's; why: "" or the reason. */
int plugin_actions_do(struct plugin_actions *a, struct t3ops_instance *i, const char *action, json_t *arguments,
                      json_t **rows, char *why, size_t size);

#endif
