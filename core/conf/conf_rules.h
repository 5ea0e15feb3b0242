/* SPDX-License-Identifier: MIT */
/*
 * What one option's type cannot know: how options of a section fit together, and what the items
 * of certain lists must look like.  Takes the typed values, adds config_errors, changes nothing but
 * the edge of a leg.  Any process.
 */
#ifndef T3OPS_CONF_CONF_RULES_H
#define T3OPS_CONF_CONF_RULES_H

#include "conf/conf.h"
#include "conf/resolved_config.h"

/* Each has room for SECRET_DIGEST_HEX. */
struct conf_secrets {
	char *proxy_secret, *probe_key, *page_token, *vantage_key;
};

/* as_root: the account of option `user` must exist.  secrets: digests of what proxy_secret_file, probe_key_file and
 * page_token_file hold, "" without one. */
void rules_core(const struct conf_scan *s, const struct option_set *core, bool as_root,
                const struct conf_secrets *secrets, struct config_errors *c);
void rules_command(const struct conf_scan *s, size_t section, const struct option_set *command,
                   struct config_errors *c);
/* Fills an empty edge with the first segment. */
void rules_leg(const struct conf_scan *s, size_t section, struct option_set *options, struct config_errors *c);
/* Of leg_defaults, with the defaults of what it does not set. */
void rules_leg_defaults(const struct conf_scan *s, size_t section, const struct option_set *options,
                        struct config_errors *c);
void rules_job(const struct conf_scan *s, size_t section, const struct option_set *options, struct config_errors *c);
/* Options of type command name one of the commands. */
void rules_command_names(const struct conf_scan *s, size_t section, const struct option_set *options,
                         const struct resolved_config *config, struct config_errors *c);
void rules_notify(const struct conf_scan *s, size_t section, const struct option_set *options,
                  struct config_errors *c);
/* Titles of plugin, command and notify sections: valid, and no duplicates; leg_defaults is there once. */
void rules_titles(const struct conf_scan *s, struct config_errors *c);

#endif
