/* SPDX-License-Identifier: MIT */
/* Writing and reading a job's input; see job_input.h. */
#include "process/job_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/resolved_config_json.h"

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

static json_t *commands_json(const struct process_config *config)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < config->n_commands; i++)
		json_array_append_new(list, json_pack("{s:s, s:I}", "name", config->commands[i].name, "timeout_us",
		                                      (json_int_t)config->commands[i].options.timeout_us));
	return list;
}

char *job_input_make(const struct process_config *config, const struct plugin_section *job, const struct user *user)
{
	json_t *input = json_pack("{s:s, s:o, s:o, s:{s:s, s:s, s:s, s:s, s:i}}", "job", job->name, "sections",
	                          sections_json(config, job), "commands", commands_json(config), "user", "name",
	                          user->name, "os_user", user->os_user, "home", user->home, "host", user->host,
	                          "port", user->port);
	char *text = input ? json_dumps(input, JSON_COMPACT) : NULL;

	json_decref(input);
	return text;
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

	u->port = (uint16_t)port;
	return port >= 0 && port <= UINT16_MAX && text_take(user, "name", u->name, sizeof u->name) &&
	       text_take(user, "os_user", u->os_user, sizeof u->os_user) &&
	       text_take(user, "home", u->home, sizeof u->home) && text_take(user, "host", u->host, sizeof u->host);
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
	ok = job && user_read(&in->user, json_object_get(input, "user")) &&
	     sections_read(in, json_object_get(input, "sections"), job) &&
	     commands_read(&in->config, json_object_get(input, "commands"));
	json_decref(input);
	if (!ok)
		job_input_fini(in);
	return ok;
}

void job_input_fini(struct job_input *in)
{
	for (size_t i = 0; i < in->config.n_plugins; i++)
		plugin_section_fini(&in->sections[i]);
	for (size_t i = 0; i < in->config.n_commands; i++)
		free((char *)(uintptr_t)in->config.commands[i].name);
	free(in->config.commands);
	free(in->config.plugins);
	free(in->sections);
	memset(in, 0, sizeof *in);
}
