/* SPDX-License-Identifier: MIT */
/*
 * The plugins of one process, from loading to stop.  A process adds its own services to the table between
 * plugin_host_new and plugin_host_start, and calls plugins between plugin_enter and plugin_leave only.
 */
#ifndef T3OPS_PLUGIN_HOST_PLUGIN_HOST_H
#define T3OPS_PLUGIN_HOST_PLUGIN_HOST_H

#include "plugin_host/host_users.h"
#include "plugin_host/instance.h"
#include "plugin_host/plugin_call.h"
#include "plugin_host/user_fetcher.h"
#include "process/process.h"

struct upstream_dialer;

/* Loads every plugin of the process's config.  users and dialer may be NULL (a process without table, or without a
 * way to the t3 servers).  NULL after a log line: the process does not start. */
struct plugin_host *plugin_host_new(struct process *process, struct users *users, struct upstream_dialer *dialer);
/* The one user whom a process without table knows; it must live as long. */
void plugin_host_set_user(struct plugin_host *h, const struct user *user);
/* The process's own way to fetch from t3 servers, until the plugins are stopped. */
void plugin_host_set_user_fetcher(struct plugin_host *h, const struct user_fetcher *fetcher);
/* The table that all instances see. */
struct t3ops_host *plugin_host_services(struct plugin_host *h);
/* init of all, then start of all; 0, or -errno after a log line. */
int plugin_host_start(struct plugin_host *h);
/* stop of all in reverse order; their timers, fetches and commands end. */
void plugin_host_stop(struct plugin_host *h);
void plugin_host_free(struct plugin_host *h); /* stops first; NULL is fine */

/* Instances in the order of their sections.  Those without the role that the process serves are here for a
 * service that they provide. */
size_t plugin_host_count(const struct plugin_host *h);
struct t3ops_instance *plugin_host_at(struct plugin_host *h, size_t i);

/* What an instance provides under that name (t3ops_host.provide); NULL: nobody does. */
const void *plugin_host_provided(const struct plugin_host *h, const char *service);
struct process *plugin_host_process(const struct plugin_host *h);
/* Hands a helper's answer (MSG_RAN, MSG_UNREACHABLE) to the plugin that waits for it; false: none does. */
bool plugin_host_message(struct plugin_host *h, const struct msg_head *head, const void *payload);

#endif
