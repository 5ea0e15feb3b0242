/* SPDX-License-Identifier: MIT */
/* Findings about a plugin's file and its descriptor; see plugin_lint.h. */
#include "conf/plugin_lint.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/apart.h"
#include "loader/loader.h"
#include "loader/plugin_elf.h"
#include "loader/plugin_kind.h"
#include "options/option.h"

struct lint {
	const char *path, *module;
	FILE *out;
	unsigned warnings;
};

__attribute__((format(printf, 2, 3))) static void warn(struct lint *l, const char *fmt, ...)
{
	va_list ap;

	fprintf(l->out, "%s: warning: ", l->path);
	va_start(ap, fmt);
	vfprintf(l->out, fmt, ap);
	va_end(ap);
	fputc('\n', l->out);
	l->warnings++;
}

/* ---- the file --------------------------------------------------------------------------------------------- */

static void file_look(struct lint *l)
{
	struct plugin_elf elf;
	char descriptor[128];

	snprintf(descriptor, sizeof descriptor, "t3ops_plugin_%.80s", l->module);
	if (!plugin_elf_look(l->path, descriptor, &elf))
		return; /* the loader has said so */
	if (elf.n_exported > 0)
		warn(l, "exports more than %s: %s%s; build with -fvisibility=hidden, and make the rest static",
		     descriptor, elf.exported, elf.n_exported > 4 ? " ..." : "");
	if (elf.relocates_text)
		warn(l, "its code is changed as it is loaded (text relocations); build all of it with -fPIC");
	if (elf.executable_stack)
		warn(l, "asks for an executable stack; link with -Wl,-z,noexecstack");
	if (elf.run_path[0] != '\0')
		warn(l, "looks for libraries in %s; link without -rpath", elf.run_path);
	if (elf.constructors > 0)
		warn(l, "%zu of its functions run as it is loaded, before t3ops has looked at its ABI; begin in init",
		     elf.constructors);
}

/* ---- the descriptor ----------------------------------------------------------------------------------------- */

static bool is_sentence(const char *help)
{
	size_t len = strlen(help);

	return len > 0 && help[len - 1] == '.';
}

static void options_look(struct lint *l, const struct t3ops_plugin *p)
{
	struct option_value value;
	char why[300];

	for (uint32_t i = 0; i < p->n_options; i++) {
		const struct t3ops_option *o = &p->options[i];

		if (o->fallback != NULL && o->fallback[0] != '\0') {
			if (option_fallback(o, &value, why, sizeof why))
				option_value_fini(&value);
			else
				warn(l, "the default of option %s", why);
		}
		if (!is_sentence(o->help))
			warn(l, "the help of option %s is \"%s\": expected one sentence with its full stop", o->name,
			     o->help);
	}
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void labels_look(struct lint *l, const struct t3ops_metric *m)
{
	static const char *const taken[] = {"plugin", "job", "instance", "le"};

	for (size_t i = 0; i < sizeof m->labels / sizeof m->labels[0] && m->labels[i] != NULL; i++)
		for (size_t k = 0; k < sizeof taken / sizeof taken[0]; k++)
			if (strcmp(m->labels[i], taken[k]) == 0)
				warn(l, "metric %s has the label %s, which means something else already; rename it",
				     m->name, m->labels[i]);
}

static void metrics_look(struct lint *l, const struct t3ops_plugin *p)
{
	for (uint32_t i = 0; i < p->n_metrics; i++) {
		const struct t3ops_metric *m = &p->metrics[i];

		if ((m->type == T3OPS_COUNTER) != ends_in(m->name, "_total"))
			warn(l, "metric %s: a counter, and nothing else, is called NAME_total", m->name);
		if (!is_sentence(m->help))
			warn(l, "the help of metric %s is \"%s\": expected one sentence with its full stop", m->name,
			     m->help);
		labels_look(l, m);
	}
}

/* Callbacks that nobody calls. */
static void callbacks_look(struct lint *l, const struct t3ops_plugin *p)
{
	const struct {
		const char *name;
		bool is_set;
		uint32_t role;
		const char *role_name;
	} rows[] = {
	    {"on_identity", p->on_identity, T3OPS_ROLE_PROXY, "T3OPS_ROLE_PROXY"},
	    {"on_request", p->on_request, T3OPS_ROLE_PROXY, "T3OPS_ROLE_PROXY"},
	    {"on_unauthorized", p->on_unauthorized, T3OPS_ROLE_PROXY, "T3OPS_ROLE_PROXY"},
	    {"leg_open", p->leg_open, T3OPS_ROLE_LEG, "T3OPS_ROLE_LEG"},
	    {"leg_fresh", p->leg_fresh, T3OPS_ROLE_LEG, "T3OPS_ROLE_LEG"},
	    {"run", p->run, T3OPS_ROLE_JOB, "T3OPS_ROLE_JOB"},
	    {"on_event", p->on_event, T3OPS_ROLE_WATCH, "T3OPS_ROLE_WATCH"},
	    {"on_earlier", p->on_earlier, T3OPS_ROLE_WATCH, "T3OPS_ROLE_WATCH"},
	    {"act_whole", p->act_whole, T3OPS_ROLE_WATCH, "T3OPS_ROLE_WATCH"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].is_set && !(p->roles & rows[i].role))
			warn(l, "has %s, and not the role %s: nobody calls it", rows[i].name, rows[i].role_name);
	if (p->init != NULL && p->stop == NULL)
		warn(l, "has init and no stop: what init allocates is never released");
}

static bool option_is_url(const struct t3ops_plugin *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_options; i++)
		if (strcmp(p->options[i].name, name) == 0)
			return p->options[i].type == T3OPS_OPT_URL || p->options[i].type == T3OPS_OPT_WS_URL;
	return false;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " "))
		if (strcspn(at, " ") == len && strncmp(at, word, len) == 0)
			return true;
	return false;
}

static void role_look(struct lint *l, const struct t3ops_plugin *p)
{
	const char *edge = p->leg_edge != NULL ? p->leg_edge : "",
	           *segments = p->leg_segments != NULL ? p->leg_segments : "";

	if (p->leg_target != NULL && !option_is_url(p, p->leg_target))
		warn(l, "leg_target is \"%s\": expected the name of one of its options that is a URL", p->leg_target);
	if (*edge != '\0' && *segments != '\0' && !has_word(segments, edge))
		warn(l, "leg_edge is \"%s\", which is none of leg_segments, \"%s\"", edge, segments);
	for (const char *at = p->answers != NULL ? p->answers : ""; *at != '\0';
	     at += strcspn(at, " "), at += strspn(at, " "))
		if (*at != '/')
			warn(l, "answers \"%.*s\": expected paths, which begin with a slash", (int)strcspn(at, " "),
			     at);
}

static void descriptor_look(struct lint *l, const struct t3ops_plugin *p)
{
	char kind[80];

	fprintf(l->out, "%s: %s %s, %s, ABI %u.%u: %s\n", l->path, p->name, p->version,
	        plugin_kind(p->roles, kind, sizeof kind), p->abi_major, p->abi_minor, p->summary);
	if (p->abi_minor > T3OPS_ABI_MINOR)
		warn(l, "built for ABI %u.%u, this t3ops has %d.%d: what is newer does nothing here", p->abi_major,
		     p->abi_minor, T3OPS_ABI_MAJOR, T3OPS_ABI_MINOR);
	options_look(l, p);
	metrics_look(l, p);
	callbacks_look(l, p);
	role_look(l, p);
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static void refused_print(const struct lint *l, const char *why)
{
	size_t len = strlen(l->path);
	bool named = strncmp(why, l->path, len) == 0 && strncmp(why + len, ": ", 2) == 0;

	fprintf(l->out, "%s: refused: %s\n", l->path, named ? why + len + 2 : why);
}

/* In the child. */
static int descriptor_run(void *arg, FILE *out, FILE *err)
{
	struct lint *l = arg;
	struct t3ops_plugin p;
	char why[800];

	(void)err;
	l->out = out;
	if (loader_open_file(l->path, l->module, &p, why, sizeof why) < 0) {
		refused_print(l, why);
		return PLUGIN_LINT_REFUSED;
	}
	descriptor_look(l, &p);
	return l->warnings > 0 ? PLUGIN_LINT_WARNED : PLUGIN_LINT_OK;
}

/* NAME of DIRECTORY/NAME.so; false: it is not called so. */
static bool module_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	size_t len = strlen(base);

	if (!ends_in(base, ".so") || len >= size)
		return false;
	memcpy(out, base, len - 3);
	out[len - 3] = '\0';
	return true;
}

enum plugin_lint plugin_lint(const char *file, FILE *out)
{
	char path[PATH_MAX], module[80];
	struct lint l = {.path = path, .module = module, .out = out};
	struct apart_end end;
	int code;

	if (realpath(file, path) == NULL) {
		fprintf(out, "%s: refused: %s\n", file, strerror(errno));
		return PLUGIN_LINT_REFUSED;
	}
	if (!module_of(path, module, sizeof module)) {
		fprintf(out, "%s: refused: expected a file that is called as its plugin, NAME.so\n", path);
		return PLUGIN_LINT_REFUSED;
	}
	apart_run(descriptor_run, &l, &end);
	code = end.code;
	fputs(end.out, out);
	if (code < 0)
		fprintf(out, "%s: refused: loading it %s\n", path, end.why);
	apart_end_fini(&end);
	file_look(&l);
	if (code < 0 || code == PLUGIN_LINT_REFUSED)
		return PLUGIN_LINT_REFUSED;
	if (code == PLUGIN_LINT_WARNED || l.warnings > 0)
		return PLUGIN_LINT_WARNED;
	fprintf(out, "%s: OK\n", path);
	return PLUGIN_LINT_OK;
}
