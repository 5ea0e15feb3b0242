/* SPDX-License-Identifier: MIT */
/* Prints option rows; the rows come from core_options.c and from plugins. */
#include "conf/explain.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "options/core_options.h"
#include "loader/loader.h"
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
	static const struct {
		enum t3ops_role role;
		const char *name;
	} kinds[] = {{T3OPS_ROLE_PROXY, "request plugin"},
	             {T3OPS_ROLE_LEG, "leg"},
	             {T3OPS_ROLE_JOB, "job"},
	             {T3OPS_ROLE_WATCH, "watch plugin"}};
	const char *comma = "";

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (p->roles & kinds[i].role) {
			fprintf(out, "%s%s", comma, kinds[i].name);
			comma = ", ";
		}
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

static void plugin_line(FILE *out, const char *dir, char *file)
{
	struct t3ops_plugin p;
	char why[800];

	file[strlen(file) - 3] = '\0';
	if (loader_open(dir, file, &p, why, sizeof why) < 0)
		fprintf(out, "%s: refused: %s\n", file, why);
	else
		plugin_head_print(out, &p);
}

static void plugins_print(FILE *out, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, loader_is_plugin, by_name);

	fprintf(out, "Plugins in %s%s\n\n", dir, n > 0 ? ":" : ": none");
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
struct shelf {
	const struct t3ops_option *rows;
	size_t n;
};

static size_t shelves_of(const struct t3ops_plugin *p, struct shelf *s)
{
	size_t n = 0;

	s[n++] = (struct shelf){p->options, p->n_options};
	if (p->roles & T3OPS_ROLE_LEG)
		s[n++] = (struct shelf){leg_options, n_leg_options};
	if (p->roles & T3OPS_ROLE_JOB)
		s[n++] = (struct shelf){job_options, n_job_options};
	s[n++] = (struct shelf){section_options, n_section_options};
	return n;
}

static int option_of_plugin(FILE *out, const struct t3ops_plugin *p, const char *option)
{
	struct shelf shelves[4];
	size_t n = shelves_of(p, shelves);
	struct suggest near;
	char hint[80];

	suggest_init(&near, option);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < shelves[i].n; k++) {
			struct t3ops_option o = p->roles & T3OPS_ROLE_LEG ? loader_leg_row(p, &shelves[i].rows[k])
			                                                  : shelves[i].rows[k];

			if (strcmp(o.name, option) == 0) {
				option_print(out, &o);
				return 0;
			}
			suggest_consider(&near, o.name);
		}
	suggest_hint(&near, hint, sizeof hint);
	fprintf(stderr, "t3ops: plugin %s has no option \"%s\"%s\n", p->name, option, hint);
	return 1;
}

static int plugin_print(FILE *out, const struct t3ops_plugin *p)
{
	struct shelf shelves[4];
	size_t n = shelves_of(p, shelves);

	plugin_head_print(out, p);
	fputc('\n', out);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < shelves[i].n; k++) {
			struct t3ops_option o = p->roles & T3OPS_ROLE_LEG ? loader_leg_row(p, &shelves[i].rows[k])
			                                                  : shelves[i].rows[k];

			option_print(out, &o);
		}
	return 0;
}

/* A name that belongs to the core.  -1: it does not. */
static int core_print(FILE *out, const char *name, const char *option)
{
	for (size_t i = 0; !option && i < n_core_options; i++)
		if (strcmp(core_options[i].option.name, name) == 0) {
			option_print(out, &core_options[i].option);
			return 0;
		}
	for (size_t i = 0; i < N_TOPICS; i++) {
		const struct t3ops_option *row = option ? row_find(topics[i].rows, *topics[i].n, option) : NULL;

		if (strcmp(topics[i].name, name) != 0)
			continue;
		if (row)
			option_print(out, row);
		else if (option)
			return -1;
		else
			rows_print(out, topics[i].title, topics[i].rows, *topics[i].n);
		return 0;
	}
	return -1;
}

int explain_print(FILE *out, const char *plugin_dir, const char *what)
{
	struct t3ops_plugin p;
	char name[128], why[800];
	char *dot;
	const char *option;

	if (!what)
		return all_print(out, plugin_dir);
	snprintf(name, sizeof name, "%s", what);
	dot = strchr(name, '.');
	if (dot)
		*dot = '\0';
	option = dot ? dot + 1 : NULL;
	if (core_print(out, name, option) == 0)
		return 0;
	if (loader_open(plugin_dir, name, &p, why, sizeof why) < 0) {
		fprintf(stderr, "t3ops: \"%s\" is neither an option of the core nor a plugin: %s\n", what, why);
		return 1;
	}
	return option ? option_of_plugin(out, &p, option) : plugin_print(out, &p);
}
