/* SPDX-License-Identifier: MIT */
/*
 * The resolved config as JSON and back, strictly: a document of another shape gives nothing at all.  What crosses the
 * pipe of the checking child, an exec in place and the start of a job is written and read here and nowhere else.
 *
 * It is two documents.  The first is written before any plugin code runs, so nothing that a plugin does can change
 * what the helper may start:
 *
 *   {"core":[[OPTION,TYPE,VALUE],...],"proxy_secret_digest":HEX,"probe_key":HEX,"page_token":HEX,"vantage_key":HEX,"commands":[{"name","options":[...]}]}
 *   {"plugins":[{"name","module","version","provides","needs","wants","roles","per_user","heals","file":{...},
 *                "options":[...]}]}
 */
#ifndef T3OPS_CONF_RESOLVED_CONFIG_JSON_H
#define T3OPS_CONF_RESOLVED_CONFIG_JSON_H

#include <jansson.h>

#include "conf/resolved_config.h"

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

#endif
