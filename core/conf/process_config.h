/* SPDX-License-Identifier: MIT */
/*
 * The part of the resolved config that one process reads: typed structs, all a process knows of the file.  A process
 * whose part did not change is left alone by a reload.
 *
 * A section is part of every process that one of its roles belongs to, and of those where a section that is there
 * already needs a service that it provides.  Which processes run: proxy, prober and jobs if a plugin of theirs is
 * configured; the monitor always; the helper with a command, a job or a notify section.  The helper loads no plugin
 * but gets the sections of the jobs, whose children it starts.
 */
#ifndef T3OPS_CONF_PROCESS_CONFIG_H
#define T3OPS_CONF_PROCESS_CONFIG_H

#include "conf/resolved_config.h"

struct process_command {
	const char *name;
	struct command_options options; /* argv: the helper's, and a job's filled in for its user */
	uint32_t requesters;            /* 1 << process_id of each process with a plugin whose options name it; of the
	                                 * proxy, only plugins that provide pairing count */
};

struct process_notify {
	const char *name;
	struct notify_options options; /* what the process reads of it */
};

struct process_config {
	struct core_options core;         /* what the process does not read is zero (tbl/core_option.h) */
	const char *proxy_secret_digest;  /* of the proxy; "" without a secret, and elsewhere */
	const char *probe_key;            /* of proxy and prober; "" without one, and elsewhere */
	const char *page_token;           /* of the monitor; "" without one, and elsewhere */
	const char *vantage_key;          /* of the monitor; "" without one, and elsewhere */
	struct process_command *commands; /* of helper, proxy, prober and jobs */
	size_t n_commands;
	struct process_notify *notifies; /* of helper and monitor */
	size_t n_notifies;
	const struct plugin_section **plugins; /* that it loads; of the helper, those of the jobs */
	size_t n_plugins;
	const struct plugin_section *sections; /* of the monitor: all there are, for their names and shapes */
	size_t n_sections;
};

/* Whether the plugin of that section is loaded by the process (PROCESS_JOBS: by the child of a job), for a role of
 * its own or for a service that it provides. */
bool process_loads(const struct resolved_config *c, size_t section, enum process_id process);
/* The same of a list of all sections. */
bool section_is_loaded(const struct plugin_section *sections, size_t n, size_t section, enum process_id process);

/* Marks whatever provides a service for a section that is marked. */
void providers_mark(const struct plugin_section *const *sections, size_t n, bool *loaded);

bool process_is_wanted(const struct resolved_config *c, enum process_id process);
/* Whether it has anything to do with the user table. */
bool process_needs_users(const struct process_config *p, enum process_id process);
/* What it borrows belongs to c.  NULL: the process has nothing to do. */
struct process_config *process_config_new(const struct resolved_config *c, enum process_id process);
void process_config_free(struct process_config *p);

/* Whether a process that was started with a needs no other one with b.  Either may be NULL. */
bool process_config_equal(const struct resolved_config *a, const struct resolved_config *b, enum process_id process);

/* NULL: there is no such command. */
const struct process_command *process_command_find(const struct process_config *p, const char *name);

#endif
