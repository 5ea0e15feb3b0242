/* SPDX-License-Identifier: MIT */
/*
 * From the text of a config file to the resolved config: scan, strict parse, rules, plugins, and the configuration
 * steps of processes and plugins.  It loads plugins and changes the account, so it runs in a throwaway child
 * (resolve_child.h).
 */
#ifndef T3OPS_CONF_RESOLVE_H
#define T3OPS_CONF_RESOLVE_H

#include "conf/config_faults.h"
#include "conf/conf_text.h"
#include "conf/resolved_config.h"
#include "obs/config_errors.h"
#include "plugin.h"

/* What layers above this one have to say about a config; each member may be NULL. */
struct config_checks {
	/* Core and commands are read without an error.  No code of a plugin ran yet, and the account is the one that
	 * the daemon is started with. */
	void (*commands)(void *arg, const struct resolved_config *c, const struct config_faults *f);
	/* A section is read without an error.  Its plugin is loaded. */
	void (*plugin)(void *arg, const struct plugin_section *s, const struct t3ops_plugin *p,
	               const struct config_faults *f);
	/* Everything is. */
	void (*whole)(void *arg, const struct resolved_config *c, const struct config_faults *f);
	void *arg;
};

struct resolve_start {
	const struct conf_text *text;
	const struct config_checks *checks; /* NULL: none */
	bool become_user;                   /* drop to core option `user` before the first plugin (only when root) */
	config_report_cb on_report;
	/* Hears what comes next, before code of a plugin runs; may be NULL. */
	void (*on_next)(void *arg, const char *what);
	void *arg;
};

/* The two stages.  Each reports what it finds when it ends; everything in start is borrowed until resolve_end. */
struct resolve;
struct resolve *resolve_begin(const struct resolve_start *start);
void resolve_core(struct resolve *w);
void resolve_plugins(struct resolve *w);
/* What there is of it so far; only without errors it is whole. */
const struct resolved_config *resolve_result(const struct resolve *w);
size_t resolve_errors(const struct resolve *w);
void resolve_end(struct resolve *w);

#endif
