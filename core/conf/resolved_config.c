/* SPDX-License-Identifier: MIT */
/*
 * Makes the plan out of the text: scan, core and commands, then every plugin's table and section.
 * Runs in a throwaway process because it loads plugins (plan_child.c makes one).
 */
#include "conf/resolved_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/drop_privileges.h"
#include "conf/conf.h"
#include "conf/conf_rules.h"
#include "options/core_options.h"
#include "loader/loader.h"

#define CONF_MAX_BYTES (1 << 20)

struct resolve {
	struct conf_scan scan;
	struct config_errors config_errors;
	config_error_cb on_error;
	void *arg;
	json_t *commands; /* of the first stage's document; borrowed */
};

/* ---- the text ----------------------------------------------------------------------------- */

static int whole_read(int fd, char *out, size_t size, size_t *len)
{
	*len = 0;
	while (*len < size) {
		ssize_t n = read(fd, out + *len, size - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		*len += (size_t)n;
	}
	return -EFBIG;
}

int conf_text_read(struct conf_text *t, const char *path)
{
	int r, fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(t, 0, sizeof *t);
	if (fd < 0)
		return -errno;
	t->path = strdup(path);
	t->bytes = malloc(CONF_MAX_BYTES + 1);
	r = t->path && t->bytes ? whole_read(fd, t->bytes, CONF_MAX_BYTES, &t->len) : -ENOMEM;
	close(fd);
	if (r < 0) {
		conf_text_fini(t);
		return r;
	}
	t->bytes[t->len] = '\0';
	t->bytes = realloc(t->bytes, t->len + 1); /* smaller: does not fail */
	return 0;
}

void conf_text_fini(struct conf_text *t)
{
	free(t->path);
	free(t->bytes);
	memset(t, 0, sizeof *t);
}

/* ---- first stage: core and commands ------------------------------------------------------------ */

static json_t *core_read(struct resolve *w)
{
	struct t3ops_option *rows = calloc(n_core_options, sizeof *rows);
	json_t *core;

	if (!rows)
		abort();
	for (size_t i = 0; i < n_core_options; i++)
		rows[i] = core_options[i].option;
	core = conf_read(&w->scan, 0, rows, n_core_options, &w->config_errors);
	free(rows);
	rules_core(&w->scan, core, geteuid() == 0, &w->config_errors);
	return core;
}

static json_t *commands_read(struct resolve *w)
{
	json_t *commands = json_object();

	for (size_t i = 1; i < w->scan.n_sections; i++) {
		json_t *command;

		if (w->scan.sections[i].kind != CONF_COMMAND)
			continue;
		command = conf_read(&w->scan, i, command_options, n_command_options, &w->config_errors);
		rules_command(&w->scan, i, command, &w->config_errors);
		json_object_set_new(commands, w->scan.sections[i].title, command);
	}
	return commands;
}

static void report(struct resolve *w)
{
	config_errors_report(&w->config_errors, w->on_error, w->arg);
}

/* The plan is JSON, and the text itself travels in one when the binary is replaced. */
static void utf8_check(const struct conf_text *text, struct config_errors *c)
{
	const char *at = text->bytes, *end = text->bytes + text->len;

	for (unsigned line = 1; at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		json_t *utf8 = json_stringn(at, len);

		if (!utf8)
			config_errors_add(c, line, "expected UTF-8 text");
		json_decref(utf8);
		at += len + 1;
	}
}

struct resolve *resolve_begin(const struct conf_text *text, config_error_cb on_error, void *arg)
{
	struct resolve *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	w->on_error = on_error;
	w->arg = arg;
	config_errors_init(&w->config_errors, text->path);
	utf8_check(text, &w->config_errors);
	conf_scan(&w->scan, text->bytes, text->len, &w->config_errors);
	return w;
}

json_t *resolve_core(struct resolve *w)
{
	json_t *doc;

	rules_titles(&w->scan, &w->config_errors);
	doc = json_pack("{s:i, s:o, s:o}", "version", 1, "core", core_read(w), "commands", commands_read(w));
	if (!doc)
		abort();
	w->commands = json_object_get(doc, "commands");
	report(w);
	return doc;
}

/* ---- second stage: plugins ----------------------------------------------------------------------- */

/* The core's rows for such a section, then the plugin's; the leg's defaults are the plugin's. */
static struct t3ops_option *rows_of(const struct t3ops_plugin *p, size_t *n)
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
	*n = at;
	return rows;
}

/* A section that names other segments than the plugin's default leaves the default edge behind. */
static void edge_follow(const struct conf_scan *s, size_t section, json_t *options)
{
	const json_t *edge = json_object_get(options, "edge"), *segments = json_object_get(options, "segments");
	size_t i;
	json_t *v;

	if (!edge || conf_has(s, section, "edge"))
		return;
	json_array_foreach ((json_t *)segments, i, v)
		if (json_equal(v, edge))
			return;
	json_object_set_new(options, "edge", json_string(""));
}

static json_t *user_dirs_of(const struct t3ops_plugin *p, const json_t *options)
{
	json_t *dirs = json_array();

	for (uint32_t i = 0; i < p->n_options; i++) {
		json_t *dir = json_object_get(options, p->options[i].name);

		if (p->options[i].type == T3OPS_OPT_USER_DIR && json_string_length(dir) > 0)
			json_array_append(dirs, dir);
	}
	return dirs;
}

/* Whose change means that the process must be replaced. */
static json_t *file_of(const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof st);
	return json_pack("{s:s, s:I, s:I, s:I}", "path", path, "ino", (json_int_t)st.st_ino, "mtime_ns",
	                 (json_int_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec, "size",
	                 (json_int_t)st.st_size);
}

static json_t *section_read(struct resolve *w, size_t section, const struct t3ops_plugin *p, const char *path)
{
	const struct conf_scan *s = &w->scan;
	size_t n;
	struct t3ops_option *rows = rows_of(p, &n);
	json_t *row, *options = conf_read(s, section, rows, n, &w->config_errors);

	rules_command_names(s, section, rows, n, options, w->commands, &w->config_errors);
	free(rows);
	json_object_del(options, "module"); /* stands beside, resolved */
	if (p->roles & T3OPS_ROLE_LEG) {
		edge_follow(s, section, options);
		rules_leg(s, section, options, &w->config_errors);
	}
	if (p->roles & T3OPS_ROLE_JOB)
		rules_job(s, section, options, &w->config_errors);
	row = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "name", s->sections[section].title, "module",
	                p->name, "roles", (int)p->roles, "provides", p->provides ? p->provides : "", "needs",
	                p->needs ? p->needs : "", "version", p->version, "file", file_of(path), "options", options);
	if (!row) /* a title that is no UTF-8, complained about */
		return NULL;
	if (p->roles & T3OPS_ROLE_LEG)
		json_object_set_new(row, "per_user", json_boolean(p->leg_flags & T3OPS_LEG_PER_USER));
	if (p->roles & T3OPS_ROLE_JOB)
		json_object_set_new(row, "user_dirs", user_dirs_of(p, options));
	return row;
}

static json_t *plugin_read(struct resolve *w, size_t section, const char *dir,
                           void (*on_plugin)(void *arg, const char *what))
{
	const struct conf_section *sec = &w->scan.sections[section];
	const char *module = sec->module && *sec->module ? sec->module : sec->title;
	struct t3ops_plugin p;
	char path[4096], why[800];

	if (snprintf(path, sizeof path, "%s/%s.so", dir, module) >= (int)sizeof path)
		return NULL;
	snprintf(why, sizeof why, "%s:%u: plugin %.60s: loading %.600s", w->config_errors.file, sec->line, sec->title,
	         path);
	if (on_plugin)
		on_plugin(w->arg, why);
	if (loader_open(dir, module, &p, why, sizeof why) < 0) {
		config_errors_add(&w->config_errors, sec->module ? conf_line(&w->scan, section, "module") : sec->line,
		                  "plugin %.60s: %s", sec->title, why);
		return NULL;
	}
	return section_read(w, section, &p, path);
}

json_t *resolve_plugins(struct resolve *w, const json_t *core, bool become_user,
                        void (*on_plugin)(void *arg, const char *what))
{
	const json_t *options = json_object_get(core, "core");
	const char *dir = json_string_value(json_object_get(options, "plugin_dir"));
	const char *user = json_string_value(json_object_get(options, "user"));
	json_t *list = json_array();

	/* Without either, loading would be a guess; the first stage has complained. */
	if (!dir || (become_user && (!user || drop_privileges(user) < 0))) {
		config_errors_add(&w->config_errors, 0,
		                  "plugin sections were not checked: plugin_dir or user is not usable");
		dir = NULL;
	}
	for (size_t i = 1; dir && i < w->scan.n_sections; i++) {
		json_t *row = w->scan.sections[i].kind == CONF_PLUGIN ? plugin_read(w, i, dir, on_plugin) : NULL;

		if (row)
			json_array_append_new(list, row);
	}
	report(w);
	return json_pack("{s:o}", "plugins", list);
}

size_t resolve_errors(const struct resolve *w)
{
	return w->config_errors.total;
}

void resolve_end(struct resolve *w)
{
	config_errors_fini(&w->config_errors);
	conf_scan_fini(&w->scan);
	free(w);
}

int resolve(const struct conf_text *text, bool become_user, config_error_cb on_error, void *arg, json_t **core,
            json_t **plugins)
{
	struct resolve *w = resolve_begin(text, on_error, arg);
	size_t wrong;

	*core = resolve_core(w);
	*plugins = resolve_plugins(w, *core, become_user, NULL);
	wrong = resolve_errors(w);
	resolve_end(w);
	if (wrong == 0)
		return 0;
	json_decref(*core);
	json_decref(*plugins);
	*core = *plugins = NULL;
	return -EINVAL;
}
