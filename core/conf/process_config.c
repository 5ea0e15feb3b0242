/* SPDX-License-Identifier: MIT */
/* Cuts the resolved config into what each process may know, and compares such parts.  Pure. */
#include "conf/process_config.h"

#include <stdlib.h>
#include <string.h>

#include "sys/words.h"

static void *must(void *p)
{
	if (!p)
		abort(); /* at the start of a process */
	return p;
}

/* The processes whose options a process has: the helper starts the children of jobs. */
static uint32_t readers_of(enum process_id process)
{
	return 1u << process | (process == PROCESS_HELPER ? 1u << PROCESS_JOBS : 0);
}

static bool knows_commands(enum process_id process)
{
	return process == PROCESS_HELPER || process == PROCESS_PROXY || process == PROCESS_PROBER ||
	       process == PROCESS_JOBS;
}

static bool knows_notifies(enum process_id process)
{
	return process == PROCESS_HELPER || process == PROCESS_MONITOR;
}

/* ---- which sections a process loads ----------------------------------------------------------------- */

/* The role whose plugins a process loads; 0: it loads none.  The helper starts those of jobs. */
static uint32_t role_of(enum process_id process)
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

static bool provides_any(const struct plugin_section *provider, const char *services)
{
	char service[64];

	while (word_next(&services, service, sizeof service))
		if (words_have(provider->provides, service))
			return true;
	return false;
}

/* Whether provider provides a service that section needs or wants. */
static bool provides_for(const struct plugin_section *provider, const struct plugin_section *section)
{
	return provides_any(provider, section->needs) || provides_any(provider, section->wants);
}

/* Whether a section is not loaded yet and provides for one that is. */
static bool is_missed(const struct plugin_section *const *sections, size_t n, const bool *loaded, size_t provider)
{
	for (size_t i = 0; !loaded[provider] && i < n; i++)
		if (loaded[i] && provides_for(sections[provider], sections[i]))
			return true;
	return false;
}

void providers_mark(const struct plugin_section *const *sections, size_t n, bool *loaded)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < n; i++)
			if (is_missed(sections, n, loaded, i))
				loaded[i] = more = true;
	}
}

/* Those with the role, then whatever provides for one of them; to be freed. */
static bool *list_mark(const struct plugin_section *list, size_t n, enum process_id process)
{
	const struct plugin_section **sections = must(calloc(n + 1, sizeof *sections));
	bool *loaded = must(calloc(n + 1, sizeof *loaded));

	for (size_t i = 0; i < n; i++) {
		sections[i] = &list[i];
		loaded[i] = list[i].roles & role_of(process);
	}
	providers_mark(sections, n, loaded);
	free(sections);
	return loaded;
}

static bool *sections_mark(const struct resolved_config *c, enum process_id process)
{
	return list_mark(c->plugins, c->n_plugins, process);
}

bool section_is_loaded(const struct plugin_section *sections, size_t n, size_t section, enum process_id process)
{
	bool *loaded = list_mark(sections, n, process), is = loaded[section];

	free(loaded);
	return is;
}

bool process_loads(const struct resolved_config *c, size_t section, enum process_id process)
{
	return section_is_loaded(c->plugins, c->n_plugins, section, process);
}

/* ---- the part of one process ------------------------------------------------------------------------ */

bool process_is_wanted(const struct resolved_config *c, enum process_id process)
{
	if (process == PROCESS_MONITOR || process == PROCESS_SUPERVISOR ||
	    (process == PROCESS_HELPER && c->n_commands + c->n_notifies > 0))
		return true;
	for (size_t i = 0; i < c->n_plugins; i++)
		if (c->plugins[i].roles & role_of(process))
			return true;
	return false;
}

bool process_needs_users(const struct process_config *p, enum process_id process)
{
	if (process == PROCESS_PROXY || process == PROCESS_JOBS)
		return true;
	if (process == PROCESS_HELPER)
		return p->n_commands > 0 || p->n_plugins > 0; /* programs of notify sections run for nobody */
	for (size_t i = 0; process == PROCESS_PROBER && i < p->n_plugins; i++)
		if (p->plugins[i]->per_user)
			return true;
	for (size_t i = 0; i < p->n_commands; i++)
		if (p->commands[i].requesters & 1u << process)
			return true;
	return false;
}

static bool section_names(const struct plugin_section *section, const char *command)
{
	for (size_t i = 0; i < section->values.n; i++) {
		const struct option_value *v = &section->values.rows[i].value;

		if (v->type == T3OPS_OPT_COMMAND && strcmp(v->text, command) == 0)
			return true;
	}
	return false;
}

/* The proxy, which strangers speak to, mints and has nothing else run. */
static bool may_name(const struct plugin_section *section, enum process_id process)
{
	return process != PROCESS_PROXY || words_have(section->provides, T3OPS_SERVICE_PAIRING);
}

/* The processes that load a plugin of theirs that may ask for the command. */
static uint32_t requesters_of(const struct resolved_config *c, const char *command)
{
	static const enum process_id processes[] = {PROCESS_PROXY, PROCESS_PROBER, PROCESS_JOBS};
	uint32_t requesters = 0;

	for (size_t p = 0; p < sizeof processes / sizeof processes[0]; p++) {
		bool *loaded = sections_mark(c, processes[p]);

		for (size_t i = 0; i < c->n_plugins; i++)
			if (loaded[i] && may_name(&c->plugins[i], processes[p]) &&
			    section_names(&c->plugins[i], command))
				requesters |= 1u << processes[p];
		free(loaded);
	}
	return requesters;
}

static void commands_give(struct process_config *p, const struct resolved_config *c, enum process_id process)
{
	p->commands = must(calloc(c->n_commands + 1, sizeof *p->commands));
	for (size_t i = 0; i < c->n_commands; i++) {
		struct process_command *command = &p->commands[p->n_commands++];

		*command = (struct process_command){c->commands[i].name, c->commands[i].options,
		                                    requesters_of(c, c->commands[i].name)};
		if (process != PROCESS_HELPER)
			command->options.argv = (struct text_list){0};
	}
}

static void notifies_give(struct process_config *p, const struct resolved_config *c, enum process_id process)
{
	p->notifies = must(calloc(c->n_notifies + 1, sizeof *p->notifies));
	for (size_t i = 0; i < c->n_notifies; i++) {
		struct process_notify *notify = &p->notifies[p->n_notifies++];

		notify->name = c->notifies[i].name;
		notify_options_fill(&notify->options, &c->notifies[i].values, 1u << process);
	}
}

static void plugins_give(struct process_config *p, const struct resolved_config *c, enum process_id process)
{
	bool *loaded = sections_mark(c, process);

	p->plugins = must(calloc(c->n_plugins + 1, sizeof *p->plugins));
	for (size_t i = 0; i < c->n_plugins; i++)
		if (loaded[i])
			p->plugins[p->n_plugins++] = &c->plugins[i];
	free(loaded);
}

static bool knows_probe_key(enum process_id process)
{
	return process == PROCESS_PROXY || process == PROCESS_PROBER;
}

struct process_config *process_config_new(const struct resolved_config *c, enum process_id process)
{
	struct process_config *p;

	if (!process_is_wanted(c, process))
		return NULL;
	p = must(calloc(1, sizeof *p));
	core_options_fill(&p->core, &c->core, readers_of(process));
	p->proxy_secret_digest = process == PROCESS_PROXY ? c->proxy_secret_digest : "";
	p->probe_key = knows_probe_key(process) ? c->probe_key : "";
	p->page_token = process == PROCESS_MONITOR ? c->page_token : "";
	p->vantage_key = process == PROCESS_MONITOR ? c->vantage_key : "";
	if (knows_commands(process))
		commands_give(p, c, process);
	if (knows_notifies(process))
		notifies_give(p, c, process);
	plugins_give(p, c, process);
	if (process == PROCESS_MONITOR) {
		p->sections = c->plugins;
		p->n_sections = c->n_plugins;
	}
	return p;
}

void process_config_free(struct process_config *p)
{
	if (!p)
		return;
	free(p->commands);
	free(p->notifies);
	free(p->plugins);
	free(p);
}

const struct process_command *process_command_find(const struct process_config *p, const char *name)
{
	for (size_t i = 0; i < p->n_commands; i++)
		if (strcmp(p->commands[i].name, name) == 0)
			return &p->commands[i];
	return NULL;
}

/* ---- what counts for a reload ---------------------------------------------------------------------- */

static bool command_equal(const struct command *a, const struct command *b, enum process_id process)
{
	return strcmp(a->name, b->name) == 0 &&
	       (process == PROCESS_HELPER ? option_set_equal(&a->values, &b->values)
	                                  : a->options.timeout_us == b->options.timeout_us);
}

static bool commands_equal(const struct resolved_config *a, const struct resolved_config *b, enum process_id process)
{
	bool equal = !knows_commands(process) || a->n_commands == b->n_commands;

	for (size_t i = 0; knows_commands(process) && equal && i < a->n_commands; i++)
		equal = command_equal(&a->commands[i], &b->commands[i], process) &&
		        (process != PROCESS_HELPER ||
		         requesters_of(a, a->commands[i].name) == requesters_of(b, b->commands[i].name));
	return equal;
}

static bool notifies_equal(const struct resolved_config *a, const struct resolved_config *b, enum process_id process)
{
	bool equal = !knows_notifies(process) || a->n_notifies == b->n_notifies;

	for (size_t i = 0; knows_notifies(process) && equal && i < a->n_notifies; i++)
		equal = strcmp(a->notifies[i].name, b->notifies[i].name) == 0 &&
		        notify_options_equal(&a->notifies[i].values, &b->notifies[i].values, 1u << process);
	return equal;
}

static bool file_equal(const struct plugin_file *a, const struct plugin_file *b)
{
	return strcmp(a->path, b->path) == 0 && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
	       a->size == b->size;
}

static bool plugin_equal(const struct plugin_section *a, const struct plugin_section *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->module, b->module) == 0 &&
	       strcmp(a->version, b->version) == 0 && a->roles == b->roles && strcmp(a->provides, b->provides) == 0 &&
	       strcmp(a->needs, b->needs) == 0 && strcmp(a->wants, b->wants) == 0 && a->per_user == b->per_user &&
	       a->heals == b->heals && file_equal(&a->file, &b->file) && option_set_equal(&a->values, &b->values);
}

/* The next one at or after *at, which moves behind it; NULL: there is none. */
static const struct plugin_section *loaded_next(const struct resolved_config *c, const bool *loaded, size_t *at)
{
	while (*at < c->n_plugins && !loaded[*at])
		++*at;
	return *at < c->n_plugins ? &c->plugins[(*at)++] : NULL;
}

static bool plugins_equal(const struct resolved_config *a, const struct resolved_config *b, enum process_id process)
{
	bool *in_a = sections_mark(a, process), *in_b = sections_mark(b, process), equal = true;
	const struct plugin_section *x, *y;
	size_t at_a = 0, at_b = 0;

	do {
		x = loaded_next(a, in_a, &at_a);
		y = loaded_next(b, in_b, &at_b);
		equal = x && y ? plugin_equal(x, y) : x == y;
	} while (equal && x);
	free(in_a);
	free(in_b);
	return equal;
}

/* What the monitor knows of a section: what it is, and the shape of a leg. */
static bool shape_equal(const struct plugin_section *a, const struct plugin_section *b)
{
	if (strcmp(a->name, b->name) != 0 || strcmp(a->module, b->module) != 0 || a->roles != b->roles ||
	    strcmp(a->version, b->version) != 0 || a->per_user != b->per_user)
		return false;
	return !(a->roles & T3OPS_ROLE_LEG) ||
	       (text_list_equal(&a->leg.segments, &b->leg.segments) && strcmp(a->leg.edge, b->leg.edge) == 0 &&
	        text_list_equal(&a->leg.resolver_segments, &b->leg.resolver_segments));
}

static bool shapes_equal(const struct resolved_config *a, const struct resolved_config *b)
{
	bool equal = a->n_plugins == b->n_plugins;

	for (size_t i = 0; equal && i < a->n_plugins; i++)
		equal = shape_equal(&a->plugins[i], &b->plugins[i]);
	return equal;
}

bool process_config_equal(const struct resolved_config *a, const struct resolved_config *b, enum process_id process)
{
	if (!a || !b)
		return a == b;
	if (process_is_wanted(a, process) != process_is_wanted(b, process))
		return false;
	return core_options_equal(&a->core, &b->core, readers_of(process)) &&
	       (process != PROCESS_PROXY || strcmp(a->proxy_secret_digest, b->proxy_secret_digest) == 0) &&
	       (process != PROCESS_MONITOR || strcmp(a->page_token, b->page_token) == 0) &&
	       (process != PROCESS_MONITOR || strcmp(a->vantage_key, b->vantage_key) == 0) &&
	       (!knows_probe_key(process) || strcmp(a->probe_key, b->probe_key) == 0) &&
	       commands_equal(a, b, process) && notifies_equal(a, b, process) && plugins_equal(a, b, process) &&
	       (process != PROCESS_MONITOR || shapes_equal(a, b));
}
