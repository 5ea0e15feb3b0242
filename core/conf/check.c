/* SPDX-License-Identifier: MIT */
/* Prints what resolve_in_child finds.  Loads no plugin into its own process. */
#include "conf/check.h"

#include <errno.h>
#include <string.h>

#include "options/option.h"
#include "conf/account.h"
#include "conf/process_config.h"
#include "conf/resolve_child.h"

static void report_print(void *arg, enum config_severity severity, const char *line)
{
	(void)severity;
	fprintf(arg, "%s\n", line);
}

static void items_print(FILE *out, const char *label, const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s%s", i ? " " : label, list->items[i]);
}

static void schedule_print(FILE *out, const struct job_options *job)
{
	static const struct t3ops_option duration = {.type = T3OPS_OPT_DURATION};
	char text[32];

	option_number(&duration, (int64_t)job->every_us, text, sizeof text);
	if (job->at_minutes >= 0)
		fprintf(out, ", daily at %02d:%02d", job->at_minutes / 60, job->at_minutes % 60);
	else if (job->every_us > 0)
		fprintf(out, ", every %s", text);
	else
		fprintf(out, ", on demand only");
}

/* ", process proxy", or ", processes proxy, prober" for a plugin that several load. */
static void processes_print(FILE *out, const struct resolved_config *c, size_t index)
{
	const char *names[PROCESS_MONITOR];
	size_t n = 0;

	for (enum process_id id = PROCESS_PROXY; id <= PROCESS_MONITOR; id++)
		if (process_loads(c, index, id))
			names[n++] = process_name(id);
	fputs(n == 0 ? ", no process: nothing needs it" : n == 1 ? ", process " : ", processes ", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", names[i]);
}

static void plugin_print(FILE *out, const struct resolved_config *c, size_t index)
{
	const struct plugin_section *s = &c->plugins[index];
	bool same = strcmp(s->name, s->module) == 0;

	fprintf(out, "plugin %s: %s%s%s", s->name, same ? "version " : s->module, same ? "" : " ", s->version);
	processes_print(out, c, index);
	if (s->roles & T3OPS_ROLE_LEG)
		items_print(out, ", segments ", &s->leg.segments);
	if (s->per_user)
		fprintf(out, ", one leg for each user");
	if (s->roles & T3OPS_ROLE_JOB)
		schedule_print(out, &s->job);
	fputc('\n', out);
}

static void account_print(FILE *out, const struct core_options *options, enum process_id process)
{
	const char *option = process_account_option(process, options);
	char account[ACCOUNT_SIZE];

	process_account(process, options, account);
	fprintf(out, "process %s: account %s", process_name(process), account);
	if (option[0] == '\0' && strcmp(account, options->user) == 0)
		fprintf(out, "; it gets its own as soon as there is %s-%s", options->user, process_name(process));
	fputc('\n', out);
}

/* Where t3ops is started as root. */
static void accounts_print(FILE *out, const struct resolved_config *c)
{
	static const enum process_id ids[] = {PROCESS_PROXY, PROCESS_PROBER, PROCESS_JOBS, PROCESS_MONITOR};

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (process_is_wanted(c, ids[i]))
			account_print(out, &c->options, ids[i]);
}

static void config_print(FILE *out, const char *path, const struct resolved_config *c)
{
	fprintf(out, "%s: configuration OK\n", path);
	for (size_t i = 0; i < c->n_commands; i++) {
		fprintf(out, "command %s:", c->commands[i].name);
		items_print(out, " ", &c->commands[i].options.argv);
		fputc('\n', out);
	}
	for (size_t i = 0; i < c->n_notifies; i++) {
		fprintf(out, "notify %s:", c->notifies[i].name);
		items_print(out, " ", &c->notifies[i].options.argv);
		fputc('\n', out);
	}
	for (size_t i = 0; i < c->n_plugins; i++)
		plugin_print(out, c, i);
	accounts_print(out, c);
}

struct resolved_config *check_config(const char *path, const struct config_checks *checks, FILE *out, FILE *err)
{
	struct resolved_config *c;
	struct conf_text text;
	int r = conf_text_read(&text, path);

	if (r < 0) {
		fprintf(err, "%s: %s\n", path, conf_text_error(r));
		return NULL;
	}
	c = resolve_in_child(&text, checks, report_print, err);
	if (c && out)
		config_print(out, path, c);
	conf_text_fini(&text);
	return c;
}
