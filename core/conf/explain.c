/* SPDX-License-Identifier: MIT */
/* Prints option rows; the rows come from core_options.c and from plugins. */
#include "conf/explain.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/apart.h"
#include "options/core_options.h"
#include "loader/loader.h"
#include "loader/plugin_kind.h"
#include "options/suggest.h"
#include "options/option.h"

/* Tables that --explain knows by name. */
struct topic {
	const char *name, *title;
	const struct t3ops_option *rows;
	const size_t *n;
};

static const struct topic topics[] = {
    {"command", "Options of a section command \"NAME\" { ... }", command_options, &n_command_options},
    {"notify", "Options of a section notify \"NAME\" { ... }", notify_options, &n_notify_options},
    {"section", "Options of every section plugin \"NAME\" { ... }", section_options, &n_section_options},
    {"leg", "Options of every plugin that is a leg, beside its own", leg_options, &n_leg_options},
    {"leg_defaults", "Options of the section leg_defaults { ... }, set once for all legs", leg_default_options,
     &n_leg_default_options},
    {"job", "Options of every plugin that is a job, beside its own", job_options, &n_job_options},
};
#define N_TOPICS (sizeof topics / sizeof topics[0])

/* "request plugin", "leg, provides pairing" */
static void kind_print(FILE *out, const struct t3ops_plugin *p)
{
	const char *comma = p->roles != 0 ? ", " : "";
	char kind[80];

	if (p->roles != 0)
		fputs(plugin_kind(p->roles, kind, sizeof kind), out);
	if (p->provides && *p->provides)
		fprintf(out, "%sprovides %s", comma, p->provides);
	if (p->needs && *p->needs)
		fprintf(out, ", needs %s", p->needs);
	if (p->wants && *p->wants)
		fprintf(out, ", wants %s", p->wants);
}

static void plugin_head_print(FILE *out, const struct t3ops_plugin *p)
{
	fprintf(out, "%s: ", p->name);
	kind_print(out, p);
	fprintf(out, ", version %s\n    %s\n", p->version, p->summary);
}

static void limits_print(FILE *out, const struct t3ops_option *o)
{
	char low[32], high[32];

	if (o->min == 0 && o->max == 0)
		return;
	option_number(o, o->min, low, sizeof low);
	option_number(o, o->max, high, sizeof high);
	if (o->max < o->min)
		fprintf(out, ", at least %s", low);
	else
		fprintf(out, ", %s to %s", low, high);
}

/* The default of a list is kept with spaces between items; shown as the file has it. */
static void list_print(FILE *out, const char *fallback)
{
	const char *comma = "";

	fputc('{', out);
	for (const char *p = fallback + strspn(fallback, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		fprintf(out, "%s\"%.*s\"", comma, (int)len, p);
		comma = ", ";
		p += len;
	}
	fputc('}', out);
}

static void default_print(FILE *out, const struct t3ops_option *o)
{
	if (!o->fallback) {
		fputs(", required", out);
		return;
	}
	fputs(", default ", out);
	if (option_kind(o->type) == OPTION_LIST)
		list_print(out, o->fallback);
	else if (o->type == T3OPS_OPT_INT || o->type == T3OPS_OPT_BOOL)
		fputs(o->fallback, out);
	else
		fprintf(out, "\"%s\"", o->fallback);
}

static void option_print(FILE *out, const struct t3ops_option *o)
{
	fprintf(out, "%s: %s", o->name, option_type_name(o->type));
	default_print(out, o);
	limits_print(out, o);
	fprintf(out, "\n    %s\n", o->help);
}

static const struct t3ops_option *row_find(const struct t3ops_option *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static void rows_print(FILE *out, const char *title, const struct t3ops_option *rows, size_t n)
{
	fprintf(out, "%s:\n\n", title);
	for (size_t i = 0; i < n; i++)
		option_print(out, &rows[i]);
	fputc('\n', out);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What a child is asked about a plugin's file. */
struct plugin_query {
	const char *dir, *module;
	const char *option; /* NULL: all of it */
};

/* One line, also for a file that is refused. */
static int line_print(void *arg, FILE *out, FILE *err)
{
	const struct plugin_query *q = arg;
	struct t3ops_plugin p;
	char why[800];

	(void)err;
	if (loader_open(q->dir, q->module, &p, why, sizeof why) < 0)
		fprintf(out, "%s: refused: %s\n", q->module, why);
	else
		plugin_head_print(out, &p);
	return EXIT_SUCCESS;
}

static void plugin_line(FILE *out, const char *dir, char *file)
{
	struct plugin_query q = {.dir = dir, .module = file};
	struct apart_end end;

	file[strlen(file) - 3] = '\0';
	apart_run(line_print, &q, &end);
	if (end.code < 0)
		fprintf(out, "%s: refused: loading it %s\n", file, end.why);
	else
		fputs(end.out, out);
	apart_end_fini(&end);
}

static void plugins_print(FILE *out, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, loader_is_plugin, by_name);

	fprintf(out, "Plugins in %s%s\n\n", dir, n > 0 ? ":" : n == 0 ? ": none" : ": it cannot be read");
	for (int i = 0; i < n; i++) {
		plugin_line(out, dir, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static int all_print(FILE *out, const char *dir)
{
	fprintf(out, "Options outside sections:\n\n");
	for (size_t i = 0; i < n_core_options; i++)
		option_print(out, &core_options[i].option);
	fputc('\n', out);
	for (size_t i = 0; i < N_TOPICS; i++)
		rows_print(out, topics[i].title, topics[i].rows, *topics[i].n);
	plugins_print(out, dir);
	return 0;
}

/* What a plugin's section may hold, its own options first. */
struct option_table {
	const struct t3ops_option *rows;
	size_t n;
};

static size_t tables_of(const struct t3ops_plugin *p, struct option_table *s)
{
	size_t n = 0;

	s[n++] = (struct option_table){p->options, p->n_options};
	if (p->roles & T3OPS_ROLE_LEG)
		s[n++] = (struct option_table){leg_options, n_leg_options};
	if (p->roles & T3OPS_ROLE_JOB)
		s[n++] = (struct option_table){job_options, n_job_options};
	s[n++] = (struct option_table){section_options, n_section_options};
	return n;
}

static int option_of_plugin(FILE *out, FILE *err, const struct t3ops_plugin *p, const char *option)
{
	struct option_table tables[4];
	size_t n = tables_of(p, tables);
	struct suggest near;
	char hint[80];

	suggest_init(&near, option);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i].n; k++) {
			struct t3ops_option o = p->roles & T3OPS_ROLE_LEG ? loader_leg_row(p, &tables[i].rows[k])
			                                                  : tables[i].rows[k];

			if (strcmp(o.name, option) == 0) {
				option_print(out, &o);
				return 0;
			}
			suggest_consider(&near, o.name);
		}
	suggest_hint(&near, hint, sizeof hint);
	fprintf(err, "t3ops: plugin %s has no option \"%s\"%s\n", p->name, option, hint);
	return 1;
}

static int plugin_print(FILE *out, const struct t3ops_plugin *p)
{
	struct option_table tables[4];
	size_t n = tables_of(p, tables);

	plugin_head_print(out, p);
	fputc('\n', out);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i].n; k++) {
			struct t3ops_option o = p->roles & T3OPS_ROLE_LEG ? loader_leg_row(p, &tables[i].rows[k])
			                                                  : tables[i].rows[k];

			option_print(out, &o);
		}
	return 0;
}

static int plugin_explain(void *arg, FILE *out, FILE *err)
{
	const struct plugin_query *q = arg;
	struct t3ops_plugin p;
	char why[800];

	if (loader_open(q->dir, q->module, &p, why, sizeof why) < 0) {
		fprintf(err, "t3ops: %s\n", why);
		return EXIT_FAILURE;
	}
	return q->option ? option_of_plugin(out, err, &p, q->option) : plugin_print(out, &p);
}

static int plugin_ask(FILE *out, struct plugin_query *q)
{
	struct apart_end end;
	int code;

	apart_run(plugin_explain, q, &end);
	if (end.code < 0)
		fprintf(stderr, "t3ops: loading %s/%s.so %s\n", q->dir, q->module, end.why);
	fputs(end.out, out);
	fputs(end.err, stderr);
	code = end.code == EXIT_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
	apart_end_fini(&end);
	return code;
}

/* ---- names ------------------------------------------------------------------------------------------------- */

static const struct t3ops_option *core_find(const char *name)
{
	for (size_t i = 0; i < n_core_options; i++)
		if (strcmp(core_options[i].option.name, name) == 0)
			return &core_options[i].option;
	return NULL;
}

static const struct topic *topic_find(const char *name)
{
	for (size_t i = 0; i < N_TOPICS; i++)
		if (strcmp(topics[i].name, name) == 0)
			return &topics[i];
	return NULL;
}

static int topic_print(FILE *out, const struct topic *t, const char *option)
{
	const struct t3ops_option *row = option ? row_find(t->rows, *t->n, option) : NULL;
	struct suggest near;
	char hint[80];

	if (row || !option) {
		if (row)
			option_print(out, row);
		else
			rows_print(out, t->title, t->rows, *t->n);
		return EXIT_SUCCESS;
	}
	suggest_init(&near, option);
	for (size_t i = 0; i < *t->n; i++)
		suggest_consider(&near, t->rows[i].name);
	suggest_hint(&near, hint, sizeof hint);
	fprintf(stderr, "t3ops: %s has no option \"%s\"%s\n", t->name, option, hint);
	return EXIT_FAILURE;
}

static bool is_plugin(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%s.so", dir, name);

	return !strchr(name, '/') && n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

/* Of everything that could have been typed. */
static void names_suggest(const char *dir, const char *name)
{
	struct dirent **files;
	int n = scandir(dir, &files, loader_is_plugin, by_name);
	struct suggest near;
	char hint[160];

	suggest_init(&near, name);
	for (size_t i = 0; i < n_core_options; i++)
		suggest_consider(&near, core_options[i].option.name);
	for (size_t i = 0; i < N_TOPICS; i++)
		suggest_consider(&near, topics[i].name);
	for (int i = 0; i < n; i++) {
		files[i]->d_name[strlen(files[i]->d_name) - 3] = '\0';
		suggest_consider(&near, files[i]->d_name);
	}
	suggest_hint(&near, hint, sizeof hint);
	fprintf(stderr, "t3ops: \"%s\" is neither an option outside sections nor a plugin in %s%s\n", name, dir,
	        hint);
	for (int i = 0; i < n; i++)
		free(files[i]);
	if (n >= 0)
		free(files);
}

static int unknown_print(const char *dir, const char *name)
{
	for (size_t i = 0; i < N_TOPICS; i++)
		if (row_find(topics[i].rows, *topics[i].n, name)) {
			fprintf(stderr, "t3ops: \"%s\" is an option of sections: t3ops --explain %s.%s\n", name,
			        topics[i].name, name);
			return EXIT_FAILURE;
		}
	names_suggest(dir, name);
	return EXIT_FAILURE;
}

static int name_print(FILE *out, const char *dir, const char *name, const char *option)
{
	const struct t3ops_option *core = core_find(name);
	const struct topic *topic = topic_find(name);
	struct plugin_query q = {dir, name, option};

	if (core && option) {
		fprintf(stderr, "t3ops: %s is an option and has none itself\n", name);
		return EXIT_FAILURE;
	}
	if (core) {
		option_print(out, core);
		return EXIT_SUCCESS;
	}
	if (topic)
		return topic_print(out, topic, option);
	return is_plugin(dir, name) ? plugin_ask(out, &q) : unknown_print(dir, name);
}

int explain_print(FILE *out, const char *plugin_dir, const char *what)
{
	char name[128], dir[PATH_MAX], *dot;

	if (!realpath(plugin_dir, dir))
		snprintf(dir, sizeof dir, "%s", plugin_dir); /* only a plugin needs it */
	if (!what)
		return all_print(out, dir);
	snprintf(name, sizeof name, "%s", what);
	dot = strchr(name, '.');
	if (dot)
		*dot = '\0';
	return name_print(out, dir, name, dot ? dot + 1 : NULL);
}
