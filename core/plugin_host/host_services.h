/* SPDX-License-Identifier: MIT */
/*
 * The services that every process offers its plugins, and what they keep: timers, fetches, commands,
 * services between plugins.  For plugin_host.c only.
 */
#ifndef T3OPS_PLUGIN_HOST_HOST_SERVICES_H
#define T3OPS_PLUGIN_HOST_HOST_SERVICES_H

#include "plugin_host/plugin_host.h"

#define ENTERED_MAX  8
#define SERVICES_MAX 16

struct entered {
	struct t3ops_instance *instance;
	const char *callback;
	uint64_t at_us;
};

struct provided {
	const char *name;
	const void *table;
};

struct plugin_host {
	struct process *process;
	struct users *users;
	struct fetcher *fetcher;
	struct t3ops_host services;
	struct t3ops_instance *instances;
	size_t n, initialised;
	uint64_t budget_us;
	struct entered entered[ENTERED_MAX];
	size_t depth, deeper;
	struct provided provided[SERVICES_MAX];
	size_t n_provided;
	uint64_t last_call;
};

/* Fills the members of the table that do not depend on the process. */
void host_services_fill(struct t3ops_host *services);
/* Ends every timer, fetch and command of an instance; their callbacks do not come any more. */
void host_services_release(struct t3ops_instance *i);

#endif
