/* SPDX-License-Identifier: MIT */
/*
 * What a config file means, checked and typed: made once, in a throwaway child that also loads the plugins,
 * and brought over as two documents.  The first is written before any plugin code runs, so nothing that a plugin
 * does can change what the helper may start:
 *
 *   {"core":[[OPTION,TYPE,VALUE],...],"proxy_secret_digest":HEX,"commands":[{"name","options":[...]}]}
 *   {"plugins":[{"name","module","version","provides","needs","roles","per_user","file":{...},"options":[...]}]}
 *
 * resolved_config_json.c writes and reads them, and nobody else: processes get the structs (process_config.h).
 */
#ifndef T3OPS_CONF_RESOLVED_CONFIG_H
#define T3OPS_CONF_RESOLVED_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obs/config_errors.h"
#include "options/core_options.h"
#include "sys/secret_file.h"

/* Text of a config file, read once; stays the truth for every restart until the next reload. */
struct conf_text {
	char *path;
	char *bytes; /* NUL-terminated */
	size_t len;
};
int conf_text_read(struct conf_text *t, const char *path); /* 0 or -errno */
void conf_text_fini(struct conf_text *t);

/* A command section. */
struct command {
	char *name;
	struct option_set values;
	struct command_options options; /* of values */
};

/* The .so of a plugin as it was found; another one means another process. */
struct plugin_file {
	char *path;
	int64_t inode, mtime_ns, size;
};

/* A plugin section. */
struct plugin_section {
	char *name, *module, *version;
	char *provides, *needs; /* names of services, with spaces between */
	uint32_t roles;         /* enum t3ops_role */
	bool per_user;          /* one leg for each user */
	struct plugin_file file;
	struct option_set values; /* of the plugin, and of the core for such a section */
	struct leg_options leg;   /* of values, for a leg; else zero */
	struct job_options job;   /* the same for a job */
};

struct resolved_config {
	struct option_set core;                      /* outside sections */
	struct core_options options;                 /* of core */
	char proxy_secret_digest[SECRET_DIGEST_HEX]; /* of what proxy_secret_file holds; "" without one */
	struct command *commands;
	size_t n_commands;
	struct plugin_section *plugins; /* in the order of the file */
	size_t n_plugins;
};

void resolved_config_free(struct resolved_config *c); /* NULL is fine */
void plugin_section_fini(struct plugin_section *s);

/* The two documents, new references. */
json_t *resolved_config_core_json(const struct resolved_config *c);
json_t *resolved_config_plugins_json(const struct resolved_config *c);
/* NULL: they are not exactly what the other two wrote. */
struct resolved_config *resolved_config_read(const json_t *core, const json_t *plugins);
/* The same of what another version may have written: what it did not know has its default.  NULL as above. */
struct resolved_config *resolved_config_adopt(const json_t *core, const json_t *plugins);
/* One section, for the process of a job. */
json_t *plugin_section_json(const struct plugin_section *s);
bool plugin_section_read(struct plugin_section *s, const json_t *doc);

/* The two stages of a check, for the child that makes it (resolve_child.h).  Each reports its config_errors when it
 * ends.  on_plugin hears of every plugin about to be loaded; may be NULL.  become_user: drop to core option `user`
 * before the first one (only when root). */
struct resolve;
struct resolve *resolve_begin(const struct conf_text *text, config_report_cb on_report, void *arg);
void resolve_core(struct resolve *w);
void resolve_plugins(struct resolve *w, bool become_user, void (*on_plugin)(void *arg, const char *what));
/* What there is of it so far; only without config_errors it is whole. */
const struct resolved_config *resolve_result(const struct resolve *w);
size_t resolve_errors(const struct resolve *w);
void resolve_end(struct resolve *w);

#endif
