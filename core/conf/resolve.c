/* SPDX-License-Identifier: MIT */
/*
 * From the text to the resolved config: scan, core and commands, then every plugin's table and section.
 * Runs in a throwaway process because it loads plugins (resolve_child.c makes one).
 */
#include "conf/resolve.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/drop_privileges.h"
#include "conf/conf.h"
#include "conf/conf_rules.h"
#include "conf/providers.h"
#include "conf/relations.h"
#include "options/core_options.h"
#include "loader/loader.h"

struct resolve {
	const struct resolve_start *start;
	struct conf_scan scan;
	struct config_errors config_errors;
	struct config_faults faults;      /* puts reports at their lines */
	struct resolved_config *config;   /* so far */
	bool is_binary;                   /* UTF-16, or no text at all: one line says enough */
	struct t3ops_plugin *plugins;     /* the descriptors of config->plugins */
	struct leg_default *leg_defaults; /* NULL-terminated by name; NULL: the file sets none */
};

/* An option of leg_defaults, as an operator would write its value. */
struct leg_default {
	const char *name;
	uint32_t type;
	char text[32];
};

static const struct config_checks no_checks;

static const struct config_checks *checks_of(const struct resolve *w)
{
	return w->start->checks ? w->start->checks : &no_checks;
}

/* ---- reports ------------------------------------------------------------------------------------- */

static size_t section_find(const struct conf_scan *s, enum conf_kind kind, const char *title)
{
	size_t i = 1;

	while (i < s->n_sections && (s->sections[i].kind != kind || strcmp(s->sections[i].title, title) != 0))
		i++;
	return kind == CONF_CORE || i == s->n_sections ? 0 : i;
}

static void on_fault(void *arg, const struct config_fault *fault)
{
	struct resolve *w = arg;
	size_t section = section_find(&w->scan, fault->kind, fault->section);
	unsigned line = fault->option ? conf_line(&w->scan, section, fault->option) : w->scan.sections[section].line;
	char label[96];

	conf_label(&w->scan, section, label, sizeof label);
	if (fault->severity == CONFIG_ERROR)
		config_errors_add(&w->config_errors, line, "%s%s", label, fault->text);
	else if (fault->severity == CONFIG_WARNING)
		config_warnings_add(&w->config_errors, line, "%s%s", label, fault->text);
	else
		config_notes_add(&w->config_errors, line, "%s%s", label, fault->text);
}

/* It may end this process: what is known by now is reported first. */
static void next(struct resolve *w, const char *what)
{
	config_errors_report(&w->config_errors, w->start->on_report, w->start->arg);
	if (w->start->on_next)
		w->start->on_next(w->start->arg, what);
}

/* ---- first stage: core and commands ------------------------------------------------------------ */

static void core_read(struct resolve *w)
{
	struct t3ops_option *rows = calloc(n_core_options, sizeof *rows);
	struct resolved_config *c = w->config;
	const struct conf_secrets secrets = {c->proxy_secret_digest, c->probe_key, c->page_token, c->vantage_key};

	if (!rows)
		abort();
	for (size_t i = 0; i < n_core_options; i++)
		rows[i] = core_options[i].option;
	conf_read(&w->scan, 0, rows, n_core_options, &c->core, &w->config_errors);
	free(rows);
	rules_core(&w->scan, &c->core, geteuid() == 0, &secrets, &w->config_errors);
	core_options_fill(&c->options, &c->core, READER_ALL); /* an error leaves it incomplete, and reported */
}

static void command_read(struct resolve *w, size_t section, struct command *out)
{
	out->name = strdup(w->scan.sections[section].title);
	if (!out->name)
		abort();
	conf_read(&w->scan, section, command_options, n_command_options, &out->values, &w->config_errors);
	rules_command(&w->scan, section, &out->values, &w->config_errors);
	command_options_fill(&out->options, &out->values);
}

static void commands_read(struct resolve *w)
{
	struct resolved_config *c = w->config;

	c->commands = calloc(w->scan.n_sections, sizeof *c->commands);
	if (!c->commands)
		abort();
	for (size_t i = 1; i < w->scan.n_sections; i++)
		if (w->scan.sections[i].kind == CONF_COMMAND)
			command_read(w, i, &c->commands[c->n_commands++]);
}

static void notify_read(struct resolve *w, size_t section, struct notify_section *out)
{
	out->name = strdup(w->scan.sections[section].title);
	if (!out->name)
		abort();
	conf_read(&w->scan, section, notify_options, n_notify_options, &out->values, &w->config_errors);
	rules_notify(&w->scan, section, &out->values, &w->config_errors);
	notify_options_fill(&out->options, &out->values, READER_ALL);
}

static void notifies_read(struct resolve *w)
{
	struct resolved_config *c = w->config;

	c->notifies = calloc(w->scan.n_sections, sizeof *c->notifies);
	if (!c->notifies)
		abort();
	for (size_t i = 1; i < w->scan.n_sections; i++)
		if (w->scan.sections[i].kind == CONF_NOTIFY)
			notify_read(w, i, &c->notifies[c->n_notifies++]);
}

/* Only what is given, and nothing at all if anything of it is wrong. */
static struct leg_default *leg_defaults_of(const struct resolve *w, size_t section, const struct option_set *values)
{
	struct leg_default *list = calloc(n_leg_default_options + 1, sizeof *list);
	size_t n = 0;

	if (!list)
		abort();
	for (size_t i = 0; i < n_leg_default_options; i++) {
		const struct t3ops_option *row = &leg_default_options[i];
		const struct option_value *v = option_set_get(values, row->name);

		if (!v || !conf_has(&w->scan, section, row->name))
			continue;
		list[n].name = row->name;
		list[n].type = row->type;
		option_number(row, v->number, list[n].text, sizeof list[n].text);
		n++;
	}
	return list;
}

static void leg_defaults_read(struct resolve *w)
{
	size_t section = section_find(&w->scan, CONF_LEG_DEFAULTS, "leg_defaults"), errors = w->config_errors.total;
	struct option_set values;

	if (section == 0)
		return;
	conf_read(&w->scan, section, leg_default_options, n_leg_default_options, &values, &w->config_errors);
	rules_leg_defaults(&w->scan, section, &values, &w->config_errors);
	if (w->config_errors.total == errors)
		w->leg_defaults = leg_defaults_of(w, section, &values);
	option_set_fini(&values);
}

static void report(struct resolve *w)
{
	config_errors_report(&w->config_errors, w->start->on_report, w->start->arg);
}

static bool is_utf8(const char *at, size_t len)
{
	json_t *utf8 = json_stringn(at, len);

	json_decref(utf8);
	return utf8 != NULL;
}

/* What is wrong with the line is said; what it holds is not to be said again. */
static void bytes_hide(char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)at[i] >= 0x80)
			at[i] = '?';
}

/* Values travel as JSON, and so does the text itself when the binary is replaced. */
static void utf8_check(char *at, size_t len, struct config_errors *c)
{
	const char *end = at + len;
	bool is_text = !memchr(at, '\0', len);

	if (len >= 2 && (memcmp(at, "\xff\xfe", 2) == 0 || memcmp(at, "\xfe\xff", 2) == 0)) {
		config_errors_add(c, 1, "UTF-16: save the file as UTF-8");
		return;
	}
	for (unsigned line = 1; at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		if (!is_utf8(at, n)) {
			config_errors_add(c, line, "expected UTF-8 text");
			if (!is_text)
				return;
			bytes_hide(at, n);
		}
		at += n + 1;
	}
}

struct resolve *resolve_begin(const struct resolve_start *start)
{
	struct resolve *w = calloc(1, sizeof *w);
	size_t len = start->text->len;
	char *bytes = malloc(len + 1);

	if (!w || !bytes)
		abort();
	w->config = calloc(1, sizeof *w->config);
	if (!w->config)
		abort();
	w->start = start;
	w->faults = (struct config_faults){on_fault, w};
	config_errors_init(&w->config_errors, start->text->path);
	memcpy(bytes, start->text->bytes, len);
	utf8_check(bytes, len, &w->config_errors);
	w->is_binary = w->config_errors.total > 0 && memchr(bytes, '\0', len);
	if (w->is_binary)
		len = 0;
	conf_scan(&w->scan, bytes, len, &w->config_errors);
	free(bytes);
	return w;
}

void resolve_core(struct resolve *w)
{
	if (!w->is_binary) {
		rules_titles(&w->scan, &w->config_errors);
		core_read(w);
		commands_read(w);
		notifies_read(w);
		leg_defaults_read(w);
	}
	if (w->config_errors.total == 0 && checks_of(w)->commands)
		checks_of(w)->commands(checks_of(w)->arg, w->config, &w->faults);
	report(w);
}

/* ---- second stage: plugins ----------------------------------------------------------------------- */

/* What leg_defaults says is the default of every leg's row of that name. */
static void leg_defaults_apply(const struct leg_default *defaults, struct t3ops_option *rows, size_t n)
{
	for (; defaults && defaults->name; defaults++)
		for (size_t i = 0; i < n; i++)
			if (rows[i].type == defaults->type && strcmp(rows[i].name, defaults->name) == 0)
				rows[i].fallback = defaults->text;
}

/* The core's rows for such a section, then the plugin's; the leg's defaults are the plugin's, or those of the file.
 */
static struct t3ops_option *rows_of(const struct resolve *w, const struct t3ops_plugin *p, size_t *n)
{
	bool leg = p->roles & T3OPS_ROLE_LEG, job = p->roles & T3OPS_ROLE_JOB;
	size_t at = n_section_options;
	struct t3ops_option *rows = calloc(at + n_leg_options + n_job_options + p->n_options + 1, sizeof *rows);

	if (!rows)
		abort();
	memcpy(rows, section_options, at * sizeof *rows);
	for (size_t i = 0; leg && i < n_leg_options; i++)
		rows[at++] = loader_leg_row(p, &leg_options[i]);
	for (size_t i = 0; job && i < n_job_options; i++)
		rows[at++] = job_options[i];
	for (uint32_t i = 0; i < p->n_options; i++)
		rows[at++] = p->options[i];
	if (leg)
		leg_defaults_apply(w->leg_defaults, rows, at);
	*n = at;
	return rows;
}

/* A section that names other segments than the plugin's default leaves the default edge behind. */
static void edge_follow(const struct conf_scan *s, size_t section, struct option_set *options)
{
	const char *edge = option_set_text(options, "edge");
	char *none;

	if (!edge || conf_has(s, section, "edge") || text_list_has(option_set_list(options, "segments"), edge))
		return;
	none = strdup("");
	if (!none)
		abort();
	option_set_put(options, "edge", (struct option_value){.type = T3OPS_OPT_SEGMENT, .text = none});
}

/* Of the plugin's default list: what lies before its edge by default. */
static bool is_way_out(const struct t3ops_plugin *p, const char *segment)
{
	const char *edge = p->leg_edge ? p->leg_edge : "";
	size_t len = strlen(segment), edge_len = strlen(edge);

	for (const char *at = p->leg_segments ? p->leg_segments : ""; *at != '\0';
	     at += strcspn(at, " "), at += *at == ' ') {
		size_t n = strcspn(at, " ");

		if (n == edge_len && strncmp(at, edge, n) == 0)
			return false;
		if (n == len && strncmp(at, segment, n) == 0)
			return true;
	}
	return false;
}

/* A leg that leaves by another way looks names up that way, too, unless the section says otherwise: its own first
 * segment takes the place of the default one; a leg that begins at its edge has none. */
static void resolver_follow(const struct conf_scan *s, size_t section, const struct t3ops_plugin *p,
                            struct option_set *options)
{
	const struct text_list *segments = option_set_list(options, "segments"),
	                       *resolver = option_set_list(options, "resolver_segments");
	const char *edge = option_set_text(options, "edge");
	struct option_value followed = {.type = T3OPS_OPT_LIST | T3OPS_OPT_SEGMENT};

	if (!segments || segments->n == 0 || !resolver || conf_has(s, section, "resolver_segments"))
		return;
	for (size_t i = 0; i < resolver->n; i++) {
		bool other = is_way_out(p, resolver->items[i]) && !text_list_has(segments, resolver->items[i]);
		const char *item = other ? segments->items[0] : resolver->items[i];

		if (!(other && edge && strcmp(edge, item) == 0) && !text_list_has(&followed.list, item))
			text_list_add(&followed.list, item);
	}
	option_set_put(options, "resolver_segments", followed);
}

static char *copy(const char *text)
{
	char *c = strdup(text);

	if (!c)
		abort();
	return c;
}

static struct plugin_file file_of(const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof st);
	return (struct plugin_file){copy(path), (int64_t)st.st_ino,
	                            (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
	                            (int64_t)st.st_size};
}

/* An option of its own may turn off what it wants. */
static const char *wants_of(const struct t3ops_plugin *p, const struct option_set *values)
{
	const struct option_value *on = p->wants_option ? option_set_get(values, p->wants_option) : NULL;

	return p->wants && (!on || on->number != 0) ? p->wants : "";
}

static void section_read(struct resolve *w, size_t section, const struct t3ops_plugin *p, const char *path)
{
	const struct conf_scan *s = &w->scan;
	struct plugin_section *out = &w->config->plugins[w->config->n_plugins];
	size_t n;
	struct t3ops_option *rows = rows_of(w, p, &n);

	*out = (struct plugin_section){.name = copy(s->sections[section].title),
	                               .module = copy(p->name),
	                               .version = copy(p->version),
	                               .provides = copy(p->provides ? p->provides : ""),
	                               .needs = copy(p->needs ? p->needs : ""),
	                               .roles = p->roles,
	                               .abi_minor = p->abi_minor,
	                               .per_user = (p->roles & T3OPS_ROLE_LEG) && (p->leg_flags & T3OPS_LEG_PER_USER),
	                               .heals = (p->roles & T3OPS_ROLE_PROXY) && p->on_unauthorized,
	                               .file = file_of(path)};
	conf_read(s, section, rows, n, &out->values, &w->config_errors);
	free(rows);
	rules_command_names(s, section, &out->values, w->config, &w->config_errors);
	option_set_remove(&out->values, "module"); /* stands beside, resolved */
	out->wants = copy(wants_of(p, &out->values));
	if (p->roles & T3OPS_ROLE_LEG) {
		edge_follow(s, section, &out->values);
		resolver_follow(s, section, p, &out->values);
		rules_leg(s, section, &out->values, &w->config_errors);
		leg_options_fill(&out->leg, &out->values);
	}
	if (p->roles & T3OPS_ROLE_JOB) {
		rules_job(s, section, &out->values, &w->config_errors);
		job_options_fill(&out->job, &out->values);
	}
}

/* The plugin's own step, if nothing is wrong with the section so far. */
static void section_check(struct resolve *w, const struct plugin_section *section, const struct t3ops_plugin *p,
                          unsigned line)
{
	char what[256];

	snprintf(what, sizeof what, "%.80s:%u: plugin %.60s: its init", w->config_errors.file, line, section->name);
	next(w, what);
	checks_of(w)->plugin(checks_of(w)->arg, section, p, &w->faults);
}

/* Which plugin it is, is not to be known; that is reported. */
static bool is_nameless(const struct resolve *w, size_t section)
{
	const struct conf_section *sec = &w->scan.sections[section];

	for (size_t i = 0; i < w->scan.n_options; i++)
		if (w->scan.options[i].section == section && w->scan.options[i].bad &&
		    strcmp(w->scan.options[i].name, "module") == 0)
			return true;
	return !name_valid(sec->title, NAME_MAX_BYTES) && !(sec->module && *sec->module);
}

static void plugin_read(struct resolve *w, size_t section, const char *dir)
{
	const struct conf_section *sec = &w->scan.sections[section];
	const char *module = sec->module && *sec->module ? sec->module : sec->title;
	struct t3ops_plugin *p = &w->plugins[w->config->n_plugins];
	size_t errors = w->config_errors.total;
	char path[4096], why[800], hint[80];

	if (is_nameless(w, section))
		return;
	if (snprintf(path, sizeof path, "%s/%s.so", dir, module) >= (int)sizeof path)
		return;
	snprintf(why, sizeof why, "%s:%u: plugin %.60s: loading %.600s", w->config_errors.file, sec->line, sec->title,
	         path);
	next(w, why);
	if (loader_open(dir, module, p, why, sizeof why) < 0) {
		plugin_suggest(dir, module, hint, sizeof hint);
		config_errors_add(&w->config_errors, sec->module ? conf_line(&w->scan, section, "module") : sec->line,
		                  "plugin %.60s: %s%s", sec->title, why, hint);
		return;
	}
	section_read(w, section, p, path);
	if (w->config_errors.total == errors && checks_of(w)->plugin)
		section_check(w, &w->config->plugins[w->config->n_plugins], p, sec->line);
	w->config->n_plugins++;
}

/* How it fits together, and what the processes say to it. */
static void whole_check(struct resolve *w)
{
	const struct relations r = {
	    .scan = &w->scan, .config = w->config, .plugins = w->plugins, .faults = &w->faults};

	relations_check(&r);
	if (w->config_errors.total == 0 && checks_of(w)->whole)
		checks_of(w)->whole(checks_of(w)->arg, w->config, &w->faults);
}

static bool has_plugins(const struct resolve *w)
{
	for (size_t i = 1; i < w->scan.n_sections; i++)
		if (w->scan.sections[i].kind == CONF_PLUGIN)
			return true;
	return false;
}

void resolve_plugins(struct resolve *w)
{
	struct resolved_config *c = w->config;
	const char *dir = option_set_text(&c->core, "plugin_dir"), *user = option_set_text(&c->core, "user");

	c->plugins = calloc(w->scan.n_sections, sizeof *c->plugins);
	w->plugins = calloc(w->scan.n_sections, sizeof *w->plugins);
	if (!c->plugins || !w->plugins)
		abort();
	/* Without either, loading would be a guess; the first stage has said what is wrong with them. */
	if (!dir || !user)
		dir = NULL;
	else if (w->start->become_user && drop_privileges(user, NULL) < 0) {
		if (w->config_errors.total == 0)
			config_errors_add(&w->config_errors, 0,
			                  "plugin sections are not checked: t3ops cannot become %.60s", user);
		dir = NULL;
	}
	if (dir && access(dir, X_OK) < 0 && has_plugins(w)) {
		config_errors_add(&w->config_errors, conf_line(&w->scan, 0, "plugin_dir"),
		                  "plugin_dir = \"%.200s\": %s", dir, strerror(errno));
		dir = NULL;
	}
	for (size_t i = 1; dir && i < w->scan.n_sections; i++)
		if (w->scan.sections[i].kind == CONF_PLUGIN)
			plugin_read(w, i, dir);
	if (w->config_errors.total == 0)
		whole_check(w);
	report(w);
}

const struct resolved_config *resolve_result(const struct resolve *w)
{
	return w->config;
}

size_t resolve_errors(const struct resolve *w)
{
	return w->config_errors.total;
}

void resolve_end(struct resolve *w)
{
	config_errors_fini(&w->config_errors);
	conf_scan_fini(&w->scan);
	resolved_config_free(w->config);
	free(w->plugins);
	free(w->leg_defaults);
	free(w);
}
