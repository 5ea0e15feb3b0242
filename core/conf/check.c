/* SPDX-License-Identifier: MIT */
/* Prints what resolve_in_child finds.  Loads no plugin into its own process. */
#include "conf/check.h"

#include <errno.h>
#include <string.h>

#include "options/option.h"
#include "conf/resolved_config.h"

static void config_error_print(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

static void items_print(FILE *out, const char *label, const json_t *list)
{
	size_t i;
	json_t *v;

	json_array_foreach ((json_t *)list, i, v)
		fprintf(out, "%s%s", i ? " " : label, json_string_value(v));
}

static void schedule_print(FILE *out, const json_t *options)
{
	static const struct t3ops_option duration = {.type = T3OPS_OPT_DURATION};
	const char *at = text_of(options, "at");
	json_int_t every = json_integer_value(json_object_get(options, "every"));
	char text[32];

	option_number(&duration, every, text, sizeof text);
	if (*at)
		fprintf(out, ", daily at %s", at);
	else if (every > 0)
		fprintf(out, ", every %s", text);
	else
		fprintf(out, ", on demand only");
}

/* ", process proxy", or ", processes proxy, prober" for a plugin that several load. */
static void processes_print(FILE *out, const json_t *plugins, size_t index)
{
	const char *names[PROCESS_MONITOR];
	size_t n = 0;

	for (enum process_id id = PROCESS_PROXY; id <= PROCESS_MONITOR; id++)
		if (process_config_has(plugins, index, id))
			names[n++] = process_name(id);
	fputs(n == 0 ? ", no process: nothing needs it" : n == 1 ? ", process " : ", processes ", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", names[i]);
}

static void plugin_print(FILE *out, const json_t *plugins, size_t index)
{
	const json_t *row = json_array_get(json_object_get(plugins, "plugins"), index);
	const json_t *options = json_object_get(row, "options");
	const char *name = text_of(row, "name"), *module = text_of(row, "module");

	fprintf(out, "plugin %s: %s%s%s", name, strcmp(name, module) ? module : "version ",
	        strcmp(name, module) ? " " : "", text_of(row, "version"));
	processes_print(out, plugins, index);
	if (section_has_role(row, T3OPS_ROLE_LEG))
		items_print(out, ", segments ", json_object_get(options, "segments"));
	if (json_is_true(json_object_get(row, "per_user")))
		fprintf(out, ", one leg for each user");
	if (section_has_role(row, T3OPS_ROLE_JOB))
		schedule_print(out, options);
	fputc('\n', out);
}

static void plan_print(FILE *out, const char *path, const json_t *core, const json_t *plugins)
{
	const char *name;
	json_t *row;

	fprintf(out, "%s: configuration OK\n", path);
	json_object_foreach (json_object_get(core, "commands"), name, row) {
		fprintf(out, "command %s:", name);
		items_print(out, " ", json_object_get(row, "argv"));
		fputc('\n', out);
	}
	for (size_t i = 0; i < json_array_size(json_object_get(plugins, "plugins")); i++)
		plugin_print(out, plugins, i);
}

int check_config(const char *path, FILE *out, FILE *err, json_t **core, json_t **plugins)
{
	struct conf_text text;
	int r = conf_text_read(&text, path);

	*core = *plugins = NULL;
	if (r < 0) {
		fprintf(err, "%s: %s\n", path,
		        r == -EFBIG ? "larger than 1 MiB, expected a config file" : strerror(-r));
		return r;
	}
	r = resolve_in_child(&text, config_error_print, err, core, plugins);
	if (r == 0)
		plan_print(out, path, *core, *plugins);
	conf_text_fini(&text);
	return r;
}
