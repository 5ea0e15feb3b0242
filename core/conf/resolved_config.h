/* SPDX-License-Identifier: MIT */
/*
 * What a config file means, checked and typed.  Made in a child that checks (resolve.h), brought over as JSON
 * (resolved_config_json.h); processes get their part of it (process_config.h).  Any process.
 */
#ifndef T3OPS_CONF_RESOLVED_CONFIG_H
#define T3OPS_CONF_RESOLVED_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options/core_options.h"
#include "sys/secret_file.h"

/* A command section. */
struct command {
	char *name;
	struct option_set values;
	struct command_options options; /* of values */
};

/* A notify section. */
struct notify_section {
	char *name;
	struct option_set values;
	struct notify_options options; /* of values */
};

/* The .so of a plugin as it was found; another one means another process. */
struct plugin_file {
	char *path;
	int64_t inode, mtime_ns, size;
};

/* A plugin section. */
struct plugin_section {
	char *name, *module, *version;
	char *provides, *needs, *wants; /* names of services, with spaces between */
	uint32_t roles;                 /* enum t3ops_role */
	uint16_t abi_minor;             /* that it was built for */
	bool per_user;                  /* one leg for each user */
	bool heals;                     /* replaces dead sessions: has on_unauthorized */
	struct plugin_file file;
	struct option_set values; /* of the plugin, and of the core for such a section */
	struct leg_options leg;   /* of values, for a leg; else zero */
	struct job_options job;   /* the same for a job */
};

struct resolved_config {
	struct option_set core;                      /* outside sections */
	struct core_options options;                 /* of core */
	char proxy_secret_digest[SECRET_DIGEST_HEX]; /* of what proxy_secret_file holds; "" without one */
	char probe_key[SECRET_DIGEST_HEX];           /* the digest of what probe_key_file holds; "" without one */
	char page_token[SECRET_DIGEST_HEX];          /* the digest of what page_token_file holds; "" without one */
	char vantage_key[SECRET_DIGEST_HEX];         /* the digest of what vantage_key_file holds; "" without one */
	struct command *commands;
	size_t n_commands;
	struct notify_section *notifies;
	size_t n_notifies;
	struct plugin_section *plugins; /* in the order of the file */
	size_t n_plugins;
};

void resolved_config_free(struct resolved_config *c); /* NULL is fine */
void plugin_section_fini(struct plugin_section *s);
void command_fini(struct command *c);
void notify_section_fini(struct notify_section *s);

#endif
