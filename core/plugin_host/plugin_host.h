/* SPDX-License-Identifier: MIT */
/*
 * The plugins of one process: loading from the config, and the services that every process offers
 * (options, clocks, log, metrics, timers, fetch, commands, users, services between plugins).
 * A process adds its own services (requests, legs, WebSockets) by filling its part of the table
 * before plugin_host_start.
 *
 * Every callback into a plugin goes through plugin_enter/plugin_leave: the watchdog page then names
 * it for the watchdog, and one over its budget is counted and logged.
 */
#ifndef T3OPS_PLUGIN_HOST_PLUGIN_HOST_H
#define T3OPS_PLUGIN_HOST_PLUGIN_HOST_H

#include <sys/queue.h>

#include "net/fetch.h"
#include "process/process.h"
#include "users/users.h"
#include "plugin.h"

struct plugin_host;

struct t3ops_instance {
	struct plugin_host *host;
	struct t3ops_plugin plugin; /* our copy of the descriptor */
	struct t3ops_ctx ctx;       /* handed to callbacks */
	const struct plugin_section *section;
	size_t index;                    /* order of sections */
	LIST_HEAD(, t3ops_timer) timers; /* the host's own lists: what stop releases */
	LIST_HEAD(, call) calls;
};

/* Loads every plugin of the config.  users may be NULL (a process without table).  NULL after a log
 * line: the process does not start. */
struct plugin_host *plugin_host_new(struct process *process, struct users *users);
/* The table all instances see; the process fills its own members, then starts. */
struct t3ops_host *plugin_host_services(struct plugin_host *h);
int plugin_host_start(struct plugin_host *h); /* init of all, then start of all; 0 or -errno */
void plugin_host_stop(struct plugin_host *h); /* stop of all in reverse; timers, fetches, calls end */
void plugin_host_free(struct plugin_host *h);

size_t plugin_host_count(const struct plugin_host *h);
struct t3ops_instance *plugin_host_at(struct plugin_host *h, size_t i);
/* What a plugin of this process provides under that name (t3ops_host.provide); NULL: nobody does. */
const void *plugin_host_provided(const struct plugin_host *h, const char *service);
struct process *plugin_host_process(const struct plugin_host *h);
struct users *plugin_host_users(const struct plugin_host *h);
/* Sends a helper's answer (MSG_RAN, MSG_UNREACHABLE) to the plugin that waits for it; false: not
 * one of ours. */
bool plugin_host_message(struct plugin_host *h, const struct msg_head *head, const void *payload);

/* Around every callback.  `callback` is static.  They nest: a service calls back into its caller. */
void plugin_enter(struct t3ops_instance *i, const char *callback);
void plugin_leave(struct t3ops_instance *i);

/* user as plugins see it; the strings belong to u. */
void plugin_user(const struct user *u, struct t3ops_user *out);

#endif
