/* SPDX-License-Identifier: MIT */
/* The resolved config as an object that others can read; see config_report.h. */
#include "process/config_report.h"

#include <string.h>

#include "sys/words.h"
#include "users/user_list_load.h"

#define ACCOUNTS_FOR_US 10000000

/* [[NAME, TYPE, VALUE], ...] as {NAME: VALUE, ...} */
static json_t *options_json(const struct option_set *s)
{
	json_t *rows = option_set_json(s), *object = json_object(), *row;
	size_t i;

	json_array_foreach (rows, i, row)
		json_object_set(object, json_string_value(json_array_get(row, 0)), json_array_get(row, 2));
	json_decref(rows);
	return object;
}

/* The texts of the options of that type. */
static json_t *values_of_type(const struct option_set *s, uint32_t type)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].value.type == type && s->rows[i].value.text[0] != '\0')
			json_array_append_new(list, json_string(s->rows[i].value.text));
	return list;
}

static json_t *plugin_json(const struct plugin_section *s)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "name", s->name, "module", s->module, "version",
	                 s->version, "leg", (s->roles & T3OPS_ROLE_LEG) != 0, "job", (s->roles & T3OPS_ROLE_JOB) != 0,
	                 "options", options_json(&s->values), "user_dirs",
	                 values_of_type(&s->values, T3OPS_OPT_USER_DIR));
}

/* What makes pairing credentials; null without a plugin that provides pairing. */
static json_t *pairing_command(const struct resolved_config *c)
{
	for (size_t i = 0; i < c->n_plugins; i++) {
		json_t *names = values_of_type(&c->plugins[i].values, T3OPS_OPT_COMMAND), *name;

		if (words_have(c->plugins[i].provides, T3OPS_SERVICE_PAIRING) && json_array_size(names) > 0) {
			name = json_incref(json_array_get(names, 0));
			json_decref(names);
			return name;
		}
		json_decref(names);
	}
	return json_null();
}

static json_t *commands_json(const struct resolved_config *c)
{
	json_t *object = json_object();

	for (size_t i = 0; i < c->n_commands; i++)
		json_object_set_new(object, c->commands[i].name, options_json(&c->commands[i].values));
	return object;
}

static json_t *user_json(const struct user *u)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:b}", "name", u->name, "os_user", u->os_user, "home",
	                 u->home, "host", u->host, "port", (int)u->port, "socket", u->socket, "absent",
	                 (int)u->is_absent);
}

static void users_add(json_t *report, const struct core_options *options)
{
	json_t *users = json_array(), *faults = json_array();
	struct user_list list;
	char why[512] = "";

	if (user_list_load(&list, options->users, options->upstream_env, ACCOUNTS_FOR_US, why, sizeof why) < 0)
		json_array_append_new(faults, json_string(why));
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(users, user_json(&list.rows[i]));
	for (size_t i = 0; i < list.n_faults; i++)
		json_array_append_new(faults, json_string(list.faults[i]));
	user_list_fini(&list);
	json_object_set_new(report, "users", users);
	json_object_set_new(report, "users_faults", faults);
}

json_t *config_report(const struct resolved_config *c)
{
	json_t *report = json_pack("{s:o, s:o, s:o}", "core", options_json(&c->core), "commands", commands_json(c),
	                           "pairing_command", pairing_command(c));
	json_t *plugins = json_array();

	for (size_t i = 0; i < c->n_plugins; i++)
		json_array_append_new(plugins, plugin_json(&c->plugins[i]));
	json_object_set_new(report, "plugins", plugins);
	users_add(report, &c->options);
	return report;
}
