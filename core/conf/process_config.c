/* SPDX-License-Identifier: MIT */
/* Cuts the plan into what each process may know, and reads typed values out of it.  Pure. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "options/core_options.h"
#include "conf/resolved_config.h"

static json_t *core_config(const json_t *core, uint32_t processes)
{
	const json_t *all = json_object_get(core, "core");
	json_t *out = json_object();

	for (size_t i = 0; i < n_core_options; i++)
		if (core_options[i].processes & processes)
			json_object_set(out, core_options[i].option.name,
			                json_object_get(all, core_options[i].option.name));
	if ((processes & (1u << PROCESS_PROXY)) && json_object_get(all, PROXY_SECRET_DIGEST))
		json_object_set(out, PROXY_SECRET_DIGEST, json_object_get(all, PROXY_SECRET_DIGEST));
	return out;
}

static json_t *commands_config(const json_t *core, enum process_id process)
{
	json_t *all = json_object_get(core, "commands"), *out = json_object(), *command;
	const char *name;

	if (process == PROCESS_HELPER) {
		json_decref(out);
		return json_incref(all);
	}
	if (process != PROCESS_PROXY && process != PROCESS_PROBER && process != PROCESS_JOBS)
		return out;
	json_object_foreach (all, name, command)
		json_object_set_new(out, name, json_pack("{s:O}", "timeout", json_object_get(command, "timeout")));
	return out;
}

/* ---- which sections a process loads ------------------------------------------------------------- */

/* The role whose plugins a process loads; 0: it loads none.  The helper starts those of jobs. */
static json_int_t role_of(enum process_id process)
{
	switch (process) {
	case PROCESS_PROXY:
		return T3OPS_ROLE_PROXY;
	case PROCESS_PROBER:
		return T3OPS_ROLE_LEG;
	case PROCESS_JOBS:
	case PROCESS_HELPER:
		return T3OPS_ROLE_JOB;
	case PROCESS_MONITOR:
		return T3OPS_ROLE_WATCH;
	default:
		return 0;
	}
}

bool section_has_role(const json_t *section, enum t3ops_role role)
{
	return json_integer_value(json_object_get(section, "roles")) & role;
}

static bool word_in(const char *word, size_t len, const char *words)
{
	for (const char *p = words; *p != '\0'; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == len && strncmp(p, word, len) == 0)
			return true;
	return false;
}

/* Whether `provider` provides a service that `section` needs. */
static bool provides_for(const json_t *provider, const json_t *section)
{
	const char *provides = config_string(provider, "provides");

	for (const char *p = config_string(section, "needs"); *p != '\0'; p += strcspn(p, " "), p += *p == ' ')
		if (word_in(p, strcspn(p, " "), provides))
			return true;
	return false;
}

/* Marks the sections with the role, then whatever provides for one that is marked. */
static bool *sections_mark(const json_t *sections, enum t3ops_role role)
{
	size_t n = json_array_size(sections);
	bool *marked = calloc(n + 1, sizeof *marked), more = true;

	if (!marked)
		abort();
	for (size_t i = 0; i < n; i++)
		marked[i] = section_has_role(json_array_get(sections, i), role);
	while (more) {
		more = false;
		for (size_t i = 0; i < n * n; i++) {
			size_t provider = i / n, section = i % n;

			if (marked[provider] || !marked[section] ||
			    !provides_for(json_array_get(sections, provider), json_array_get(sections, section)))
				continue;
			marked[provider] = more = true;
		}
	}
	return marked;
}

bool process_config_has(const json_t *plugins, size_t index, enum process_id process)
{
	bool *marked = sections_mark(json_object_get(plugins, "plugins"), (enum t3ops_role)role_of(process));
	bool has = marked[index];

	free(marked);
	return has;
}

static json_t *plugins_config(const json_t *plugins, enum process_id process)
{
	const json_t *sections = json_object_get(plugins, "plugins");
	bool *marked = sections_mark(sections, (enum t3ops_role)role_of(process));
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(sections); i++)
		if (marked[i])
			json_array_append(out, json_array_get(sections, i));
	free(marked);
	return out;
}

/* ---- configs -------------------------------------------------------------------------------------- */

/* The monitor knows the shape of every leg, and what is there at all. */
static void monitor_add(json_t *config, const json_t *plugins)
{
	json_t *legs = json_array(), *sections = json_array(), *row;
	size_t i;

	json_array_foreach (json_object_get(plugins, "plugins"), i, row) {
		const json_t *options = json_object_get(row, "options");

		json_array_append_new(
		    sections, json_pack("{s:O, s:O, s:O, s:O}", "name", json_object_get(row, "name"), "module",
		                        json_object_get(row, "module"), "roles", json_object_get(row, "roles"),
		                        "version", json_object_get(row, "version")));
		if (!section_has_role(row, T3OPS_ROLE_LEG))
			continue;
		json_array_append_new(
		    legs, json_pack("{s:O, s:O, s:O, s:O, s:O}", "name", json_object_get(row, "name"), "segments",
		                    json_object_get(options, "segments"), "edge", json_object_get(options, "edge"),
		                    "resolver_segments", json_object_get(options, "resolver_segments"), "per_user",
		                    json_object_get(row, "per_user")));
	}
	json_object_set_new(config, "legs", legs);
	json_object_set_new(config, "sections", sections);
}

json_t *process_config_make(const json_t *core, const json_t *plugins, enum process_id process)
{
	uint32_t processes = 1u << process;
	json_t *commands = commands_config(core, process), *mine = plugins_config(plugins, process), *config;
	bool runs = json_array_size(mine) > 0 || process == PROCESS_MONITOR || process == PROCESS_SUPERVISOR ||
	            (process == PROCESS_HELPER && json_object_size(commands) > 0);

	if (!runs) {
		json_decref(commands);
		json_decref(mine);
		return NULL;
	}
	if (process == PROCESS_HELPER)
		processes |= 1u << PROCESS_JOBS;
	config = json_pack("{s:o, s:o, s:o}", "core", core_config(core, processes), "commands", commands, "plugins",
	                   mine);
	if (process == PROCESS_MONITOR)
		monitor_add(config, plugins);
	return config;
}

const char *config_string(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_string(v));
	return json_string_value(v);
}

int64_t config_int(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_integer(v));
	return json_integer_value(v);
}

bool config_bool(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_boolean(v));
	return json_is_true(v);
}

size_t config_count(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_array(v));
	return json_array_size(v);
}

const char *config_item(const json_t *options, const char *key, size_t i)
{
	const json_t *v = json_array_get(json_object_get(options, key), i);

	assert(json_is_string(v));
	return json_string_value(v);
}
