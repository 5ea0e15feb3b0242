/* SPDX-License-Identifier: MIT */
/* The plugins of one process, as the files of plugin_host share them.  Types only; for core/plugin_host only. */
#ifndef T3OPS_PLUGIN_HOST_HOST_STATE_H
#define T3OPS_PLUGIN_HOST_HOST_STATE_H

#include "net/fetch.h"
#include "plugin_host/instance.h"
#include "plugin_host/user_fetcher.h"
#include "process/process.h"
#include "process/upstream_dialer.h"
#include "users/users.h"

#define CALLS_MAX    8
#define SERVICES_MAX 16

/* A callback that has not returned yet. */
struct plugin_call {
	struct t3ops_instance *instance;
	const char *callback;
	uint64_t entered_us;
};

struct provided {
	const char *name;
	const void *table;
};

struct plugin_host {
	struct process *process;
	struct users *users;            /* NULL: the process has no user table */
	const struct user *user;        /* but knows this one; or NULL */
	struct upstream_dialer *dialer; /* NULL: no way to the t3 servers */
	struct fetcher *fetcher;
	struct user_fetcher user_fetcher; /* start is NULL: the process has none */
	struct t3ops_host services;
	struct t3ops_instance *instances;
	size_t n, initialised;

	uint64_t budget_us; /* of one callback */
	struct plugin_call calls[CALLS_MAX];
	size_t depth, deeper; /* callbacks nest; those beyond CALLS_MAX are only counted */

	struct provided provided[SERVICES_MAX];
	size_t n_provided;
	uint64_t last_id; /* of a fetch or command */
};

#endif
