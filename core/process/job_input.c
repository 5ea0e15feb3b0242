/* SPDX-License-Identifier: MIT */
/* Writing and reading a job's input; see job_input.h. */
#include "process/job_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/resolved_config_json.h"
#include "process/argv.h"

/* ---- writing, in the helper ------------------------------------------------------------------------- */

static json_t *sections_json(const struct process_config *config, const struct plugin_section *job)
{
	bool *needed = calloc(config->n_plugins + 1, sizeof *needed);
	json_t *list = needed ? json_array() : NULL;

	for (size_t i = 0; list && i < config->n_plugins; i++)
		needed[i] = config->plugins[i] == job;
	if (list)
		providers_mark(config->plugins, config->n_plugins, needed);
	for (size_t i = 0; list && i < config->n_plugins; i++)
		if (needed[i])
			json_array_append_new(list, plugin_section_json(config->plugins[i]));
	free(needed);
	return list;
}

/* Of what a job's process may ask for alone; [] if it cannot be filled in. */
static json_t *argv_json(const struct process_command *command, const struct user *user)
{
	bool given = command->requesters & 1u << PROCESS_JOBS;
	char **argv = given ? argv_expand(&command->options.argv, user) : NULL;
	json_t *list = json_array();

	for (size_t i = 0; argv && argv[i]; i++)
		json_array_append_new(list, json_string(argv[i]));
	argv_free(argv);
	return list;
}

static json_t *commands_json(const struct process_config *config, const struct user *user)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < config->n_commands; i++)
		json_array_append_new(
		    list, json_pack("{s:s, s:I, s:I, s:o}", "name", config->commands[i].name, "timeout_us",
		                    (json_int_t)config->commands[i].options.timeout_us, "max_output",
		                    (json_int_t)config->commands[i].options.max_output_bytes, "argv",
		                    argv_json(&config->commands[i], user)));
	return list;
}

static json_t *trusted_json(const struct text_list *trusted)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < trusted->n; i++)
		json_array_append_new(list, json_string(trusted->items[i]));
	return list;
}

/* uid -1: the account is unknown. */
static json_t *user_json(const struct user *u)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:i, s:s, s:b}", "name", u->name, "os_user", u->os_user, "uid",
	                 u->has_uid ? (json_int_t)u->uid : -1, "home", u->home, "host", u->host, "port", u->port,
	                 "socket", u->socket, "absent", u->is_absent);
}

static json_t *arguments_json(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	if (json_is_object(o))
		return o;
	json_decref(o);
	return json_object();
}

char *job_input_make(const struct process_config *config, const struct plugin_section *job,
                     const struct job_asked *asked, const struct text_list *trusted, const struct user *user)
{
	json_t *input = json_pack("{s:s, s:o, s:o, s:b, s:b, s:s, s:o, s:o, s:o}", "job", job->name, "sections",
	                          sections_json(config, job), "commands", commands_json(config, user), "requested",
	                          asked->requested, "for_all", asked->for_all, "action", asked->action, "arguments",
	                          arguments_json(asked->arguments), "trusted", trusted_json(trusted), "user",
	                          user_json(user));
	char *text = input ? json_dumps(input, JSON_COMPACT) : NULL;

	json_decref(input);
	return text;
}

char *job_input_rehearsal(const char *text, const char *name)
{
	json_t *input = json_loads(text, 0, NULL);
	char *out;

	json_object_set_new(input, "rehearsal", json_string(name));
	out = json_dumps(input, JSON_COMPACT);
	json_decref(input);
	return out;
}

/* ---- reading, in the job's process -------------------------------------------------------------------- */

static bool text_take(const json_t *object, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && snprintf(out, size, "%s", text) < (int)size;
}

static bool user_read(struct user *u, const json_t *user)
{
	json_int_t port = json_integer_value(json_object_get(user, "port"));
	json_int_t uid = json_integer_value(json_object_get(user, "uid"));

	u->has_uid = uid >= 0 && uid < UINT32_MAX;
	u->uid = u->has_uid ? (uid_t)uid : 0;
	u->port = (uint16_t)port;
	u->is_absent = json_is_true(json_object_get(user, "absent"));
	return port >= 0 && port <= UINT16_MAX && text_take(user, "name", u->name, sizeof u->name) &&
	       text_take(user, "os_user", u->os_user, sizeof u->os_user) &&
	       text_take(user, "home", u->home, sizeof u->home) && text_take(user, "host", u->host, sizeof u->host) &&
	       text_take(user, "socket", u->socket, sizeof u->socket);
}

static bool sections_read(struct job_input *in, const json_t *list, const char *job)
{
	size_t n = json_array_size(list);
	bool found = false;

	in->sections = calloc(n + 1, sizeof *in->sections);
	in->config.plugins = calloc(n + 1, sizeof *in->config.plugins);
	for (size_t i = 0; in->sections && in->config.plugins && i < n; i++) {
		if (!plugin_section_read(&in->sections[i], json_array_get(list, i)))
			return false;
		in->config.plugins[in->config.n_plugins++] = &in->sections[i];
		if (strcmp(in->sections[i].name, job) != 0)
			continue;
		in->job = i;
		found = in->sections[i].roles & T3OPS_ROLE_JOB;
	}
	return found;
}

static void texts_read(struct text_list *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)))
			text_list_add(out, json_string_value(json_array_get(list, i)));
}

/* An argv ends with a NULL that n does not count. */
static void argv_read(struct text_list *out, const json_t *list)
{
	texts_read(out, list);
	text_list_add(out, "");
	free(out->items[--out->n]);
	out->items[out->n] = NULL;
}

static void texts_fini(struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

static bool commands_read(struct process_config *config, const json_t *list)
{
	size_t n = json_array_size(list);

	config->commands = calloc(n + 1, sizeof *config->commands);
	for (size_t i = 0; config->commands && i < n; i++) {
		const json_t *row = json_array_get(list, i), *timeout = json_object_get(row, "timeout_us");
		const char *name = json_string_value(json_object_get(row, "name"));

		if (!name || !json_is_integer(timeout))
			return false;
		config->commands[i].name = strdup(name);
		config->commands[i].options.timeout_us = (uint64_t)json_integer_value(timeout);
		config->commands[i].options.max_output_bytes = (size_t)json_integer_value(
		    json_object_get(row, "max_output"));
		argv_read(&config->commands[i].options.argv, json_object_get(row, "argv"));
		config->n_commands++;
	}
	return config->commands != NULL;
}

bool job_input_read(struct job_input *in, const char *text, size_t len)
{
	json_t *input = json_loadb(text, len, 0, NULL);
	const char *job = json_string_value(json_object_get(input, "job"));
	bool ok;

	*in = (struct job_input){.config.core.plugin_budget_us = UINT64_MAX}; /* run may block */
	in->requested = json_is_true(json_object_get(input, "requested"));
	in->for_all = json_is_true(json_object_get(input, "for_all"));
	in->arguments = json_incref(json_object_get(input, "arguments"));
	ok = job && json_is_object(in->arguments) && text_take(input, "action", in->action, sizeof in->action) &&
	     user_read(&in->user, json_object_get(input, "user")) &&
	     sections_read(in, json_object_get(input, "sections"), job) &&
	     commands_read(&in->config, json_object_get(input, "commands"));
	text_take(input, "rehearsal", in->rehearsal, sizeof in->rehearsal);
	if (ok)
		texts_read(&in->trusted, json_object_get(input, "trusted"));
	json_decref(input);
	if (!ok)
		job_input_fini(in);
	return ok;
}

void job_input_fini(struct job_input *in)
{
	for (size_t i = 0; i < in->config.n_plugins; i++)
		plugin_section_fini(&in->sections[i]);
	for (size_t i = 0; i < in->config.n_commands; i++) {
		free((char *)(uintptr_t)in->config.commands[i].name);
		texts_fini(&in->config.commands[i].options.argv);
	}
	texts_fini(&in->trusted);
	json_decref(in->arguments);
	free(in->config.commands);
	free(in->config.plugins);
	free(in->sections);
	memset(in, 0, sizeof *in);
}
