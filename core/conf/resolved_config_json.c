/* SPDX-License-Identifier: MIT */
/* Documents and structs; see resolved_config_json.h. */
#include "conf/resolved_config_json.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- writing ------------------------------------------------------------------------------------- */

json_t *resolved_config_core_json(const struct resolved_config *c)
{
	json_t *commands = json_array(), *notifies = json_array();

	for (size_t i = 0; i < c->n_commands; i++)
		json_array_append_new(commands, json_pack("{s:s, s:o}", "name", c->commands[i].name, "options",
		                                          option_set_json(&c->commands[i].values)));
	for (size_t i = 0; i < c->n_notifies; i++)
		json_array_append_new(notifies, json_pack("{s:s, s:o}", "name", c->notifies[i].name, "options",
		                                          option_set_json(&c->notifies[i].values)));
	return must(json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "core", option_set_json(&c->core),
	                      "proxy_secret_digest", c->proxy_secret_digest, "probe_key", c->probe_key, "page_token",
	                      c->page_token, "vantage_key", c->vantage_key, "commands", commands, "notifies",
	                      notifies));
}

json_t *plugin_section_json(const struct plugin_section *s)
{
	return must(json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:b, s:b, s:{s:s, s:I, s:I, s:I}, s:o}", "name", s->name,
	    "module", s->module, "version", s->version, "provides", s->provides, "needs", s->needs, "wants", s->wants,
	    "roles", (int)s->roles, "abi_minor", (int)s->abi_minor, "per_user", (int)s->per_user, "heals",
	    (int)s->heals, "file", "path", s->file.path, "inode", (json_int_t)s->file.inode, "mtime_ns",
	    (json_int_t)s->file.mtime_ns, "size", (json_int_t)s->file.size, "options", option_set_json(&s->values)));
}

json_t *resolved_config_plugins_json(const struct resolved_config *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_plugins; i++)
		json_array_append_new(list, plugin_section_json(&c->plugins[i]));
	return must(json_pack("{s:o}", "plugins", list));
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* Whose document it is: another version's may have other options. */
enum writer { WRITER_SAME, WRITER_OTHER };

/* False unless the set then has exactly these rows. */
static bool core_set_read(struct option_set *s, const json_t *doc, enum writer writer)
{
	bool ok = option_set_read(s, doc);

	for (size_t i = 0; ok && writer == WRITER_OTHER && i < n_core_options; i++)
		option_set_complete(s, &core_options[i].option, 1);
	return ok && (writer == WRITER_OTHER || s->n == n_core_options);
}

static bool command_read(struct command *c, const json_t *doc, enum writer writer)
{
	const char *name;
	json_t *options;

	*c = (struct command){0};
	if (json_unpack((json_t *)(uintptr_t)doc, "{s:s, s:o !}", "name", &name, "options", &options) < 0)
		return false;
	c->name = must(strdup(name));
	if (option_set_read(&c->values, options)) {
		if (writer == WRITER_OTHER)
			option_set_complete(&c->values, command_options, n_command_options);
		if ((writer == WRITER_OTHER || c->values.n == n_command_options) &&
		    command_options_fill(&c->options, &c->values) && c->options.argv.n > 0)
			return true;
	}
	command_fini(c);
	return false;
}

static bool commands_read(struct resolved_config *c, const json_t *list, enum writer writer)
{
	json_t *row;
	size_t i;

	if (!json_is_array(list))
		return false;
	c->commands = must(calloc(json_array_size(list) + 1, sizeof *c->commands));
	json_array_foreach ((json_t *)(uintptr_t)list, i, row) {
		if (!command_read(&c->commands[c->n_commands], row, writer))
			return false;
		c->n_commands++;
	}
	return true;
}

static bool notify_read(struct notify_section *s, const json_t *doc, enum writer writer)
{
	const char *name;
	json_t *options;

	*s = (struct notify_section){0};
	if (json_unpack((json_t *)(uintptr_t)doc, "{s:s, s:o !}", "name", &name, "options", &options) < 0)
		return false;
	s->name = must(strdup(name));
	if (option_set_read(&s->values, options)) {
		if (writer == WRITER_OTHER)
			option_set_complete(&s->values, notify_options, n_notify_options);
		if ((writer == WRITER_OTHER || s->values.n == n_notify_options) &&
		    notify_options_fill(&s->options, &s->values, READER_ALL) && s->options.argv.n > 0)
			return true;
	}
	notify_section_fini(s);
	return false;
}

/* list NULL: an earlier version had none. */
static bool notifies_read(struct resolved_config *c, const json_t *list, enum writer writer)
{
	json_t *row;
	size_t i;

	if (list ? !json_is_array(list) : writer == WRITER_SAME)
		return false;
	c->notifies = must(calloc(json_array_size(list) + 1, sizeof *c->notifies));
	json_array_foreach ((json_t *)(uintptr_t)list, i, row) {
		if (!notify_read(&c->notifies[c->n_notifies], row, writer))
			return false;
		c->n_notifies++;
	}
	return true;
}

static bool digest_read(const json_t *text, char out[SECRET_DIGEST_HEX])
{
	size_t len = json_string_length(text);

	if (!json_is_string(text) || (len != 0 && len != SECRET_DIGEST_HEX - 1))
		return false;
	memcpy(out, json_string_value(text), len + 1);
	return true;
}

static bool core_read(struct resolved_config *c, const json_t *doc, enum writer writer)
{
	json_t *options, *commands, *secret, *key, *token = NULL, *vantage = NULL, *notifies = NULL;

	if (json_unpack((json_t *)(uintptr_t)doc, "{s:o, s:o, s:o, s?o, s?o, s:o, s?o !}", "core", &options,
	                "proxy_secret_digest", &secret, "probe_key", &key, "page_token", &token, "vantage_key",
	                &vantage, "commands", &commands, "notifies", &notifies) < 0 ||
	    !digest_read(secret, c->proxy_secret_digest) || !digest_read(key, c->probe_key) ||
	    (token != NULL && !digest_read(token, c->page_token)) ||
	    (vantage != NULL && !digest_read(vantage, c->vantage_key)))
		return false;
	return core_set_read(&c->core, options, writer) && core_options_fill(&c->options, &c->core, READER_ALL) &&
	       commands_read(c, commands, writer) && notifies_read(c, notifies, writer);
}

static bool section_fill(struct plugin_section *s)
{
	if ((s->roles & T3OPS_ROLE_LEG) && (!leg_options_fill(&s->leg, &s->values) || s->leg.segments.n == 0))
		return false;
	return !(s->roles & T3OPS_ROLE_JOB) || job_options_fill(&s->job, &s->values);
}

static void section_complete(struct plugin_section *s)
{
	if (s->roles & T3OPS_ROLE_LEG)
		option_set_complete(&s->values, leg_options, n_leg_options);
	if (s->roles & T3OPS_ROLE_JOB)
		option_set_complete(&s->values, job_options, n_job_options);
}

static bool section_read(struct plugin_section *s, const json_t *doc, enum writer writer)
{
	const char *name, *module, *version, *provides, *needs, *wants, *path;
	json_int_t inode, mtime_ns, size;
	int roles, abi_minor = 0, per_user, heals; /* an earlier version had no abi_minor */
	json_t *options;

	*s = (struct plugin_section){0};
	if (json_unpack((json_t *)(uintptr_t)doc,
	                "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s?:i, s:b, s:b, s:{s:s, s:I, s:I, s:I !}, s:o !}",
	                "name", &name, "module", &module, "version", &version, "provides", &provides, "needs", &needs,
	                "wants", &wants, "roles", &roles, "abi_minor", &abi_minor, "per_user", &per_user, "heals",
	                &heals, "file", "path", &path, "inode", &inode, "mtime_ns", &mtime_ns, "size", &size,
	                "options", &options) < 0)
		return false;
	*s = (struct plugin_section){.name = must(strdup(name)),
	                             .module = must(strdup(module)),
	                             .version = must(strdup(version)),
	                             .provides = must(strdup(provides)),
	                             .needs = must(strdup(needs)),
	                             .wants = must(strdup(wants)),
	                             .roles = (uint32_t)roles,
	                             .abi_minor = (uint16_t)abi_minor,
	                             .per_user = per_user,
	                             .heals = heals,
	                             .file = {must(strdup(path)), inode, mtime_ns, size}};
	if (option_set_read(&s->values, options)) {
		if (writer == WRITER_OTHER)
			section_complete(s);
		if (section_fill(s))
			return true;
	}
	plugin_section_fini(s);
	return false;
}

bool plugin_section_read(struct plugin_section *s, const json_t *doc)
{
	return section_read(s, doc, WRITER_SAME);
}

static bool plugins_read(struct resolved_config *c, const json_t *doc, enum writer writer)
{
	json_t *list, *row;
	size_t i;

	if (json_unpack((json_t *)(uintptr_t)doc, "{s:o !}", "plugins", &list) < 0 || !json_is_array(list))
		return false;
	c->plugins = must(calloc(json_array_size(list) + 1, sizeof *c->plugins));
	json_array_foreach (list, i, row) {
		if (!section_read(&c->plugins[c->n_plugins], row, writer))
			return false;
		c->n_plugins++;
	}
	return true;
}

static struct resolved_config *config_read(const json_t *core, const json_t *plugins, enum writer writer)
{
	struct resolved_config *c = must(calloc(1, sizeof *c));

	if (core_read(c, core, writer) && plugins_read(c, plugins, writer))
		return c;
	resolved_config_free(c);
	return NULL;
}

struct resolved_config *resolved_config_read(const json_t *core, const json_t *plugins)
{
	return config_read(core, plugins, WRITER_SAME);
}

struct resolved_config *resolved_config_adopt(const json_t *core, const json_t *plugins)
{
	return config_read(core, plugins, WRITER_OTHER);
}
