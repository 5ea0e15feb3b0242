/* SPDX-License-Identifier: MIT */
/* Plugins in columns; see print_plugins.h. */
#include "ctl/print_plugins.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ctl/local_time.h"
#include "ctl/style.h"
#include "ctl/table.h"
#include "ctl/text.h"

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static const char *plural(long long n)
{
	return n == 1 ? "" : "s";
}

/* "proxy 2, monitor 1" */
static void processes_put(FILE *out, const json_t *p)
{
	const char *name, *between = "";
	json_t *running;

	json_object_foreach (json_object_get(p, "processes"), name, running) {
		fprintf(out, "%s%s %lld", between, name, (long long)json_integer_value(running));
		between = ", ";
	}
}

static void last_put(FILE *out, const json_t *fault)
{
	char when[LOCAL_TIME_SIZE];

	local_time(text_get(fault, "last"), when);
	fprintf(out, ", last at %s", when);
}

static void slow_put(FILE *out, const json_t *slow)
{
	fprintf(out, "%lld callback%s over budget, the longest %s with %.0f ms", number(slow, "callbacks"),
	        plural(number(slow, "callbacks")), text_get(slow, "longest_callback"),
	        json_number_value(json_object_get(slow, "longest_seconds")) * 1000);
	last_put(out, slow);
}

static void ended_put(FILE *out, const json_t *ended)
{
	fprintf(out, "%lld process%s ended inside it, the last one in %s", number(ended, "processes"),
	        number(ended, "processes") == 1 ? "" : "es", text_get(ended, "callback"));
	last_put(out, ended);
}

/* What is beside the columns: "2 legs; 1 restart; 3 callbacks over budget, ..." */
static void note_put(FILE *out, const json_t *p)
{
	const json_t *slow = json_object_get(p, "slow"), *ended = json_object_get(p, "ended");
	const char *between = "";

	if (json_object_get(p, "legs") != NULL) {
		fprintf(out, "%lld leg%s", number(p, "legs"), plural(number(p, "legs")));
		between = "; ";
	}
	if (number(p, "restarts") > 0) {
		fprintf(out, "%s%lld restart%s", between, number(p, "restarts"), plural(number(p, "restarts")));
		between = "; ";
	}
	if (number(slow, "callbacks") > 0) {
		fputs(between, out);
		slow_put(out, slow);
		between = "; ";
	}
	if (number(ended, "processes") > 0) {
		fputs(between, out);
		ended_put(out, ended);
	}
}

/* What one of both writes; NULL without memory.  The caller frees it. */
static char *text_of(void (*put)(FILE *out, const json_t *p), const json_t *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	put(out, p);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void plugin_add(struct table *t, const json_t *p)
{
	bool harmed = number(json_object_get(p, "ended"), "processes") > 0;
	char *processes = text_of(processes_put, p), *note = text_of(note_put, p);

	table_add_style(t, text_get(p, "name"), harmed ? STYLE_BAD : STYLE_PLAIN);
	table_add(t, text_get(p, "plugin"));
	table_add(t, text_get(p, "version"));
	table_add(t, text_get(p, "abi"));
	table_add(t, text_get(p, "kind"));
	table_add(t, processes != NULL ? processes : "");
	if (note != NULL && *note != '\0')
		table_note(t, note);
	free(processes);
	free(note);
}

void print_plugins(FILE *out, const json_t *answer)
{
	static const struct table_column columns[] = {{"SECTION", TABLE_NAME}, {"PLUGIN", TABLE_NAME},
	                                              {"VERSION", TABLE_TEXT}, {"ABI", TABLE_TEXT},
	                                              {"KIND", TABLE_NAME},    {"PROCESSES", TABLE_NAME}};
	const json_t *plugins = json_object_get(answer, "plugins");
	char since[LOCAL_TIME_SIZE];
	struct table *t;
	json_t *p;
	size_t i;

	if (json_array_size(plugins) == 0) {
		fputs("no plugin is configured\n", out);
		return;
	}
	t = table_new(columns, sizeof columns / sizeof columns[0]);
	json_array_foreach ((json_t *)plugins, i, p)
		plugin_add(t, p);
	table_print(t, out, text_terminal_width(out), 0);
	table_free(t);
	local_time(text_get(answer, "since"), since);
	fputs("callbacks over budget and ended processes: since ", out);
	text_put(out, since, 0);
	fputs("\nthis t3ops has ABI ", out);
	text_put(out, text_get(answer, "abi"), 0);
	fputc('\n', out);
}
