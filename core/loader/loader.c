/* SPDX-License-Identifier: MIT */
/*
 * The loader.  Its refusals are written for the one who has to mend it: the file, what was found,
 * what was expected, what to do.
 */
#include "loader/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options/core_options.h"
#include "obs/metrics_arena.h"
#include "options/option.h"

#define ROWS_MAX  256 /* options or metrics of one plugin */
#define ROLES_ALL (T3OPS_ROLE_PROXY | T3OPS_ROLE_LEG | T3OPS_ROLE_JOB | T3OPS_ROLE_WATCH)

/* What a plugin of ABI 1.0 has at least. */
#define HEAD_SIZE       offsetof(struct t3ops_plugin, roles)
#define OPTION_SIZE_1_0 (offsetof(struct t3ops_option, help) + sizeof(const char *))
#define METRIC_SIZE_1_0 (offsetof(struct t3ops_metric, help) + sizeof(const char *))
#define ACTION_SIZE_1_0 (offsetof(struct t3ops_action, help) + sizeof(const char *))

struct refusal {
	char *why;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct refusal *r, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, r->size, fmt, ap);
	va_end(ap);
	return error;
}

/* ---- the descriptor --------------------------------------------------------------------------- */

static int head_check(const struct t3ops_plugin *p, const char *module, const struct refusal *r)
{
	if (p->magic != T3OPS_MAGIC)
		return refuse(
		    r, -EINVAL,
		    "%s: found 0x%08x where a plugin has 0x%08x: not a t3ops plugin; begin the descriptor with "
		    "T3OPS_HEAD",
		    module, p->magic, T3OPS_MAGIC);
	if (p->abi_major != T3OPS_ABI_MAJOR)
		return refuse(
		    r, -EPROTO, "%s: built for plugin ABI %u.%u, this t3ops has %d.%d: expected major %d; %s", module,
		    p->abi_major, p->abi_minor, T3OPS_ABI_MAJOR, T3OPS_ABI_MINOR, T3OPS_ABI_MAJOR,
		    p->abi_major < T3OPS_ABI_MAJOR ? "rebuild the plugin with the installed <t3ops/plugin.h>"
		                                   : "install a newer t3ops");
	if (p->struct_size < HEAD_SIZE)
		return refuse(r, -EINVAL,
		              "%s: its descriptor has %u bytes, expected at least %zu; rebuild the plugin with the "
		              "installed <t3ops/plugin.h>",
		              module, p->struct_size, HEAD_SIZE);
	return 0;
}

static int sizes_check(const struct t3ops_plugin *p, uint32_t option_size, uint32_t metric_size, const char *module,
                       const struct refusal *r)
{
	if (p->n_options > ROWS_MAX || p->n_metrics > ROWS_MAX)
		return refuse(r, -EINVAL, "%s: declares %u options and %u metrics, expected at most %d of each",
		              module, p->n_options, p->n_metrics, ROWS_MAX);
	if ((p->n_options && !p->options) || (p->n_metrics && !p->metrics))
		return refuse(r, -EINVAL,
		              "%s: counts options or metrics but has no table of them; set .options, .metrics",
		              module);
	if (p->n_options && option_size < OPTION_SIZE_1_0)
		return refuse(
		    r, -EINVAL,
		    "%s: a row of its option table has %u bytes, expected at least %zu; rebuild the plugin with "
		    "the installed <t3ops/plugin.h>",
		    module, option_size, OPTION_SIZE_1_0);
	if (p->n_metrics && metric_size < METRIC_SIZE_1_0)
		return refuse(
		    r, -EINVAL,
		    "%s: a row of its metric table has %u bytes, expected at least %zu; rebuild the plugin with "
		    "the installed <t3ops/plugin.h>",
		    module, metric_size, METRIC_SIZE_1_0);
	if (p->n_actions > ROWS_MAX || (p->n_actions && (!p->actions || !p->act)) ||
	    (p->n_actions && p->action_size < ACTION_SIZE_1_0))
		return refuse(r, -EINVAL,
		              "%s: has %u actions of %u bytes, expected at most %d of at least %zu bytes and the "
		              "callback act; use T3OPS_ACTIONS",
		              module, p->n_actions, p->action_size, ROWS_MAX, ACTION_SIZE_1_0);
	return 0;
}

/* Rows of another minor version: the part that both know, in an array of our own. */
static const void *rows_copy(const void *rows, size_t n, size_t theirs, size_t ours)
{
	unsigned char *copy;

	if (n == 0 || theirs == ours)
		return rows;
	copy = calloc(n, ours);
	if (!copy)
		abort(); /* at the start of a process, or in the child that checks */
	for (size_t i = 0; i < n; i++)
		memcpy(copy + i * ours, (const unsigned char *)rows + i * theirs, theirs < ours ? theirs : ours);
	return copy;
}

static bool is_option_name(const char *name)
{
	return name && *name >= 'a' && *name <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static bool table_has(const struct t3ops_option *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

static bool core_has(uint32_t roles, const char *name)
{
	return table_has(section_options, n_section_options, name) ||
	       ((roles & T3OPS_ROLE_LEG) && table_has(leg_options, n_leg_options, name)) ||
	       ((roles & T3OPS_ROLE_JOB) && table_has(job_options, n_job_options, name));
}

struct t3ops_option loader_leg_row(const struct t3ops_plugin *p, const struct t3ops_option *row)
{
	const struct {
		const char *name, *fallback;
	} own[] = {{"segments", p->leg_segments}, {"edge", p->leg_edge}, {"resolver_segments", p->leg_resolver}};
	struct t3ops_option o = *row;

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (strcmp(o.name, own[i].name) == 0 && own[i].fallback && own[i].fallback[0] != '\0')
			o.fallback = own[i].fallback;
	return o;
}

static int options_check(const struct t3ops_plugin *p, const struct refusal *r)
{
	for (uint32_t i = 0; i < p->n_options; i++) {
		const struct t3ops_option *o = &p->options[i];

		if (!is_option_name(o->name))
			return refuse(r, -EINVAL,
			              "%s: option %u is named \"%.40s\", expected a-z, 0-9 and _; rename it", p->name,
			              i, o->name ? o->name : "");
		if (!option_type_is_public(o->type))
			return refuse(
			    r, -EPROTO,
			    "%s: option %s has type %u, which this t3ops does not know; install a newer t3ops",
			    p->name, o->name, o->type);
		if (!o->help || !*o->help)
			return refuse(r, -EINVAL, "%s: option %s has no help, expected one sentence", p->name,
			              o->name);
		if (table_has(p->options, i, o->name))
			return refuse(r, -EINVAL, "%s: option %s is declared twice; remove one", p->name, o->name);
		if (core_has(p->roles, o->name))
			return refuse(r, -EINVAL, "%s: option %s is one of t3ops' own for such sections; rename it",
			              p->name, o->name);
	}
	return 0;
}

static bool is_action_word(const char *word, size_t len)
{
	return len > 0 && len < 32 && *word >= 'a' && *word <= 'z' &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyz-") >= len;
}

/* Words separated by single spaces. */
static bool are_arguments(const char *words)
{
	for (size_t len; words && *words != '\0'; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (!is_action_word(words, len) || (words[len] == ' ' && words[len + 1] == '\0'))
			return false;
	}
	return words != NULL;
}

static int actions_check(const struct t3ops_plugin *p, const struct refusal *r)
{
	for (uint32_t i = 0; i < p->n_actions; i++) {
		const struct t3ops_action *a = &p->actions[i];

		if (!a->name || !is_action_word(a->name, strlen(a->name)) || strcmp(a->name, "now") == 0)
			return refuse(r, -EINVAL,
			              "%s: action %u is named \"%.40s\", expected a-z and -, and not now; rename it",
			              p->name, i, a->name ? a->name : "");
		if (!are_arguments(a->arguments))
			return refuse(r, -EINVAL,
			              "%s: action %s takes \"%.80s\", expected names of a-z and - with single spaces "
			              "between",
			              p->name, a->name, a->arguments ? a->arguments : "");
		if (!a->help || !*a->help)
			return refuse(r, -EINVAL, "%s: action %s has no help, expected one sentence", p->name,
			              a->name);
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(p->actions[k].name, a->name) == 0)
				return refuse(r, -EINVAL, "%s: action %s is declared twice; remove one", p->name,
				              a->name);
	}
	return 0;
}

static bool is_metric_name(const char *name)
{
	return name && *name && (*name < '0' || *name > '9') &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") == strlen(name);
}

static bool are_buckets(const struct t3ops_metric *m)
{
	if (!m->buckets || m->n_buckets == 0 || m->n_buckets > METRICS_BUCKETS_MAX)
		return false;
	for (uint32_t i = 1; i < m->n_buckets; i++)
		if (!(m->buckets[i - 1] < m->buckets[i]))
			return false;
	return true;
}

static int metrics_check(const struct t3ops_plugin *p, const struct refusal *r)
{
	for (uint32_t i = 0; i < p->n_metrics; i++) {
		const struct t3ops_metric *m = &p->metrics[i];

		if (!is_metric_name(m->name))
			return refuse(r, -EINVAL,
			              "%s: metric %u is named \"%.60s\", expected a Prometheus name; rename it",
			              p->name, i, m->name ? m->name : "");
		if (m->type < T3OPS_COUNTER || m->type > T3OPS_HISTOGRAM)
			return refuse(r, -EPROTO,
			              "%s: metric %s has type %u, expected %d to %d; install a newer t3ops", p->name,
			              m->name, m->type, T3OPS_COUNTER, T3OPS_HISTOGRAM);
		if (m->type == T3OPS_HISTOGRAM && !are_buckets(m))
			return refuse(r, -EINVAL, "%s: metric %s: expected 1 to %d ascending buckets in a histogram",
			              p->name, m->name, METRICS_BUCKETS_MAX);
		if (!m->help || !*m->help)
			return refuse(r, -EINVAL, "%s: metric %s has no help, expected one sentence", p->name,
			              m->name);
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(p->metrics[k].name, m->name) == 0)
				return refuse(r, -EINVAL, "%s: metric %s is declared twice; remove one", p->name,
				              m->name);
	}
	return 0;
}

/* A callback that one of its roles needs and it lacks; NULL if there is none. */
static const char *callback_missing(const struct t3ops_plugin *p)
{
	if ((p->roles & T3OPS_ROLE_PROXY) && !p->on_request && !p->on_identity)
		return "on_request";
	if ((p->roles & T3OPS_ROLE_LEG) && (!p->leg_open || !p->leg_ping || !p->leg_close))
		return !p->leg_open ? "leg_open" : !p->leg_ping ? "leg_ping" : "leg_close";
	if ((p->roles & T3OPS_ROLE_JOB) && !p->run)
		return "run";
	if ((p->roles & T3OPS_ROLE_WATCH) && !p->on_event)
		return "on_event";
	return NULL;
}

/* Names of services separated by single spaces. */
static bool are_services(const char *names)
{
	for (const char *p = names ? names : ""; *p != '\0';) {
		size_t len = strcspn(p, " ");
		char name[32] = "";

		if (len == 0 || len >= sizeof name || (p[len] == ' ' && p[len + 1] == '\0'))
			return false;
		memcpy(name, p, len);
		if (!is_option_name(name))
			return false;
		p += len + (p[len] == ' ');
	}
	return true;
}

static bool has_bool_option(const struct t3ops_plugin *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_options; i++)
		if (strcmp(p->options[i].name, name) == 0)
			return p->options[i].type == T3OPS_OPT_BOOL;
	return false;
}

static int roles_check(const struct t3ops_plugin *p, const char *module, const struct refusal *r)
{
	const char *missing = callback_missing(p);

	if (p->roles & ~(uint32_t)ROLES_ALL)
		return refuse(r, -EPROTO, "%s: has roles 0x%x, of which this t3ops knows 0x%x; install a newer t3ops",
		              module, p->roles, ROLES_ALL);
	if (!are_services(p->provides) || !are_services(p->needs) || !are_services(p->wants))
		return refuse(
		    r, -EINVAL,
		    "%s: provides \"%.60s\", needs \"%.60s\" and wants \"%.60s\", expected names of a-z, 0-9 "
		    "and _ with single spaces between; correct them",
		    module, p->provides ? p->provides : "", p->needs ? p->needs : "", p->wants ? p->wants : "");
	if (p->wants_option && !has_bool_option(p, p->wants_option))
		return refuse(r, -EINVAL, "%s: wants_option \"%.60s\" is not one of its boolean options; correct it",
		              module, p->wants_option);
	if (p->roles == 0 && (!p->provides || !*p->provides))
		return refuse(r, -EINVAL, "%s: has no role and provides no service; set .roles or .provides", module);
	if (missing)
		return refuse(r, -EINVAL, "%s: has no %s, which a plugin of its role needs; set it", module, missing);
	return 0;
}

static int body_check(const struct t3ops_plugin *p, const char *module, const struct refusal *r)
{
	if (!p->name || !p->version || !p->summary)
		return refuse(r, -EINVAL, "%s: has no name, version or summary; set all three", module);
	if (strcmp(p->name, module) != 0)
		return refuse(r, -EINVAL, "%s: calls itself \"%.60s\", expected the file's name; rename one of them",
		              module, p->name);
	if (!name_valid(p->version, 31))
		return refuse(r, -EINVAL, "%s: has version \"%.40s\", expected digits, letters and dots; correct it",
		              module, p->version);
	return roles_check(p, module, r);
}

/* Releases the copies that rows_copy made. */
static void copies_free(const struct t3ops_plugin *p, struct t3ops_plugin *out)
{
	if (out->options != p->options)
		free((void *)out->options);
	if (out->metrics != p->metrics)
		free((void *)out->metrics);
	if (out->actions != p->actions)
		free((void *)out->actions);
	memset(out, 0, sizeof *out);
}

int loader_check(const struct t3ops_plugin *p, const char *module, struct t3ops_plugin *out, char *why,
                 size_t why_size)
{
	struct refusal refusal = {why, why_size};
	struct t3ops_plugin theirs = {0};
	int r = head_check(p, module, &refusal);

	memset(out, 0, sizeof *out);
	if (r < 0)
		return r;
	memcpy(&theirs, p, p->struct_size < sizeof theirs ? p->struct_size : sizeof theirs);
	r = sizes_check(&theirs, p->option_size, p->metric_size, module, &refusal);
	if (r < 0)
		return r;
	*out = theirs;
	out->struct_size = sizeof *out;
	out->option_size = sizeof(struct t3ops_option);
	out->metric_size = sizeof(struct t3ops_metric);
	out->options = rows_copy(theirs.options, theirs.n_options, theirs.option_size, out->option_size);
	out->metrics = rows_copy(theirs.metrics, theirs.n_metrics, theirs.metric_size, out->metric_size);
	out->action_size = sizeof(struct t3ops_action);
	out->actions = rows_copy(theirs.actions, theirs.n_actions, theirs.action_size, out->action_size);
	r = body_check(out, module, &refusal);
	if (r == 0)
		r = options_check(out, &refusal);
	if (r == 0)
		r = metrics_check(out, &refusal);
	if (r == 0)
		r = actions_check(out, &refusal);
	if (r < 0)
		copies_free(&theirs, out);
	return r;
}

/* ---- the file ------------------------------------------------------------------------------------ */

/* Only root and the account we run as may be able to change it. */
static int owner_check(const char *path, const struct stat *st, const struct refusal *r)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return refuse(r, -EPERM,
		              "%s: owned by uid %u, expected root or uid %u, which t3ops runs as; chown it", path,
		              st->st_uid, geteuid());
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return refuse(r, -EPERM,
		              "%s: mode %04o lets others write, expected no write permission for group and others; "
		              "chmod go-w it",
		              path, st->st_mode & 07777);
	return 0;
}

static int file_check(const char *path, const struct refusal *r)
{
	char directory[PATH_MAX];
	struct stat st;
	int e;

	if (stat(path, &st) < 0)
		return refuse(r, -errno,
		              "%s: %s; install the plugin there, or correct the section's name, module or plugin_dir",
		              path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(r, -EINVAL, "%s: not a regular file, expected a plugin", path);
	e = owner_check(path, &st, r);
	if (e < 0)
		return e;
	snprintf(directory, sizeof directory, "%s", path);
	*strrchr(directory, '/') = '\0';
	if (stat(*directory ? directory : "/", &st) < 0)
		return refuse(r, -errno, "%s: %s", directory, strerror(errno));
	return owner_check(*directory ? directory : "/", &st, r);
}

static int symbol_open(const char *path, const char *module, const struct t3ops_plugin **p, const struct refusal *r)
{
	char symbol[128];
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed */

	if (!handle)
		return refuse(r, -ENOEXEC, "%s: cannot be loaded: %s; rebuild it on this system", path, dlerror());
	snprintf(symbol, sizeof symbol, "t3ops_plugin_%s", module);
	*p = dlsym(handle, symbol);
	if (!*p)
		return refuse(r, -ENOEXEC,
		              "%s: exports no %s: not a plugin of that name; expected T3OPS_PLUGIN(%s) = { ... }",
		              path, symbol, module);
	return 0;
}

int loader_is_plugin(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 3 && strcmp(e->d_name + len - 3, ".so") == 0;
}

int loader_open_file(const char *path, const char *module, struct t3ops_plugin *out, char *why, size_t why_size)
{
	struct refusal refusal = {why, why_size};
	const struct t3ops_plugin *p;
	char real[PATH_MAX], said[640];
	int r;

	memset(out, 0, sizeof *out);
	if (!is_option_name(module) || strlen(module) > 63)
		return refuse(&refusal, -EINVAL, "\"%.80s\" cannot be a plugin's name: expected a-z, 0-9 and _",
		              module);
	if (*path != '/' || !realpath(path, real))
		return refuse(&refusal, *path != '/' ? -EINVAL : -errno,
		              "%s: %s; install the plugin there, or correct the section's name, module or plugin_dir",
		              path, *path != '/' ? "not an absolute path" : strerror(errno));
	r = file_check(real, &refusal);
	if (r == 0)
		r = symbol_open(real, module, &p, &refusal);
	if (r < 0)
		return r;
	r = loader_check(p, module, out, said, sizeof said);
	if (r < 0)
		return refuse(&refusal, r, "%s: %s", real, said);
	return 0;
}

int loader_open(const char *dir, const char *module, struct t3ops_plugin *out, char *why, size_t why_size)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%s.so", dir, module);

	if (n < 0 || (size_t)n >= sizeof path) {
		snprintf(why, why_size, "plugin_dir: path too long");
		return -ENAMETOOLONG;
	}
	return loader_open_file(path, module, out, why, why_size);
}
