/* SPDX-License-Identifier: MIT */
/* Plugins in columns; see print_plugins.h. */
#include "ctl/print_plugins.h"

#include <string.h>

#include "ctl/local_time.h"
#include "ctl/style.h"
#include "ctl/text.h"

static int widest(const json_t *plugins, const char *key, int least)
{
	json_t *p;
	size_t i;

	json_array_foreach ((json_t *)plugins, i, p) {
		int width = (int)strlen(text_get(p, key));

		least = width > least ? width : least;
	}
	return least;
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* "proxy 2, monitor 1" */
static void processes_put(FILE *out, const json_t *p)
{
	const char *name, *between = "";
	json_t *running;

	json_object_foreach (json_object_get(p, "processes"), name, running) {
		fputs(between, out);
		text_put(out, name, 0);
		fprintf(out, " %lld", (long long)json_integer_value(running));
		between = ", ";
	}
	if (json_object_get(p, "legs") != NULL)
		fprintf(out, ", %lld leg%s", number(p, "legs"), number(p, "legs") == 1 ? "" : "s");
	if (number(p, "restarts") > 0)
		fprintf(out, ", %lld restart%s", number(p, "restarts"), number(p, "restarts") == 1 ? "" : "s");
}

static void last_put(FILE *out, const json_t *fault)
{
	char when[LOCAL_TIME_SIZE];

	local_time(text_get(fault, "last"), when);
	fputs(", last at ", out);
	text_put(out, when, 0);
	fputc('\n', out);
}

static void faults_put(FILE *out, const json_t *p)
{
	const json_t *slow = json_object_get(p, "slow"), *ended = json_object_get(p, "ended");

	if (number(slow, "callbacks") > 0) {
		fprintf(out, "    %lld callback%s over budget, the longest ", number(slow, "callbacks"),
		        number(slow, "callbacks") == 1 ? "" : "s");
		text_put(out, text_get(slow, "longest_callback"), 0);
		fprintf(out, " with %.0f ms", json_number_value(json_object_get(slow, "longest_seconds")) * 1000);
		last_put(out, slow);
	}
	if (number(ended, "processes") > 0) {
		style_put(out, STYLE_BAD);
		fprintf(out, "    %lld process%s ended inside it, the last one in ", number(ended, "processes"),
		        number(ended, "processes") == 1 ? "" : "es");
		text_put(out, text_get(ended, "callback"), 0);
		style_put(out, STYLE_PLAIN);
		last_put(out, ended);
	}
}

void print_plugins(FILE *out, const json_t *answer)
{
	const json_t *plugins = json_object_get(answer, "plugins");
	int name = widest(plugins, "name", 7), module = widest(plugins, "plugin", 6);
	int version = widest(plugins, "version", 7), kind = widest(plugins, "kind", 4);
	char since[LOCAL_TIME_SIZE];
	json_t *p;
	size_t i;

	if (json_array_size(plugins) == 0) {
		fputs("no plugin is configured\n", out);
		return;
	}
	fprintf(out, "%-*s  %-*s  %-*s  %-3s  %-*s  %s\n", name, "SECTION", module, "PLUGIN", version, "VERSION",
	        "ABI", kind, "KIND", "PROCESSES");
	json_array_foreach ((json_t *)plugins, i, p) {
		text_put(out, text_get(p, "name"), name + 2);
		text_put(out, text_get(p, "plugin"), module + 2);
		text_put(out, text_get(p, "version"), version + 2);
		text_put(out, text_get(p, "abi"), 5);
		text_put(out, text_get(p, "kind"), kind + 2);
		processes_put(out, p);
		fputc('\n', out);
		faults_put(out, p);
	}
	local_time(text_get(answer, "since"), since);
	fputs("callbacks over budget and ended processes are those since ", out);
	text_put(out, since, 0);
	fputs("\nthis t3ops has ABI ", out);
	text_put(out, text_get(answer, "abi"), 0);
	fputc('\n', out);
}
