/* SPDX-License-Identifier: MIT */
/* "Whose fault was 14:03?"; see print_story.h. */
#include "ctl/print_story.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/local_time.h"
#include "ctl/style.h"
#include "ctl/table.h"
#include "ctl/text.h"

#define INDENT     "    "
#define STEP_SPACE "                          " /* under a step's text */

static enum style style_of(const json_t *verdict)
{
	if (strcmp(text_get(verdict, "state"), "standing") == 0)
		return STYLE_BAD;
	return json_is_true(json_object_get(verdict, "infra_exonerated")) ? STYLE_GOOD : STYLE_DOUBT;
}

static void heading_put(FILE *out, const char *text)
{
	fputc('\n', out);
	style_put(out, STYLE_STRONG);
	fputs(text, out);
	style_put(out, STYLE_PLAIN);
	fputc('\n', out);
}

static void section_put(FILE *out, const char *heading, const json_t *texts)
{
	json_t *text;
	size_t i;

	if (json_array_size(texts) == 0)
		return;
	heading_put(out, heading);
	json_array_foreach ((json_t *)texts, i, text) {
		fputs("  - ", out);
		text_wrap(out, json_string_value(text), INDENT);
	}
}

/* "2026-11-27 14:03:12 CET: tunnel.  Lasted 1 min 24 s, healed, 3 users: alice, bob, carol" */
static void head_put(FILE *out, const json_t *v)
{
	const json_t *users = json_object_get(v, "users");
	char when[LOCAL_TIME_SIZE];

	local_time(text_get(v, "drop_time"), when);
	fprintf(out, "%s  ", when);
	style_put(out, style_of(v));
	text_put(out, text_get(v, "verdict"), 0);
	style_put(out, STYLE_PLAIN);
	fputs(strcmp(text_get(v, "state"), "standing") == 0 ? "  for " : "  lasted ", out);
	text_put(out, text_get(v, "lasted"), 0);
	fputs(", ", out);
	text_put(out, text_get(v, "state"), 0);
	if (json_is_true(json_object_get(v, "infra_exonerated")))
		fputs(", infra exonerated", out);
	fputc('\n', out);
	if (json_array_size(users) == 0)
		fputs("Nobody was affected", out);
	else
		fputs("Affected: ", out);
	text_list_put(out, users, ", ");
	fprintf(out, "  (verdict %lld, incident %lld)\n", (long long)json_integer_value(json_object_get(v, "id")),
	        (long long)json_integer_value(json_object_get(v, "incident")));
}

const char *verdict_beginning(const json_t *v)
{
	return json_is_object(v) && json_array_size(json_object_get(v, "users")) == 0 ? "failure" : "drop";
}

static void verdict_put(FILE *out, const json_t *v)
{
	heading_put(out, "The verdict");
	fputs("  ", out);
	text_wrap(out, text_get(v, "text"), "  ");
	fprintf(out, "  Given %.1f s after the first %s", json_number_value(json_object_get(v, "delay_seconds")),
	        verdict_beginning(v));
	if (json_integer_value(json_object_get(v, "revision")) > 1)
		fprintf(out, ", revision %lld", (long long)json_integer_value(json_object_get(v, "revision")));
	if (*text_get(v, "was") != '\0')
		fprintf(out, ", before that: %s", text_get(v, "was"));
	if (json_integer_value(json_object_get(v, "times")) > 1)
		fprintf(out, ", %lld times", (long long)json_integer_value(json_object_get(v, "times")));
	fputc('\n', out);
}

static enum style step_style(const char *what)
{
	if (strcmp(what, "leg_up") == 0 || strcmp(what, "verdict_healed") == 0 ||
	    strcmp(what, "tunnel_opened") == 0 || strcmp(what, "server_restarted") == 0)
		return STYLE_GOOD;
	if (strcmp(what, "verdict") == 0)
		return STYLE_STRONG;
	return strcmp(what, "leg_down") == 0 || strcmp(what, "tunnel_dropped") == 0 ? STYLE_BAD : STYLE_PLAIN;
}

static void step_put(FILE *out, const json_t *step)
{
	char when[LOCAL_TIME_SIZE];

	local_clock(text_get(step, "time"), when);
	fprintf(out, "  %-12s %+9.1f  ", when, json_number_value(json_object_get(step, "offset_seconds")));
	style_put(out, step_style(text_get(step, "what")));
	text_wrap(out, text_get(step, "text"), STEP_SPACE);
	style_put(out, STYLE_PLAIN);
}

static void steps_put(FILE *out, const json_t *steps, const json_t *v)
{
	char zone[LOCAL_TIME_SIZE], heading[LOCAL_TIME_SIZE + 64];
	json_t *step;
	size_t i;

	if (json_array_size(steps) == 0)
		return;
	local_zone(text_get(json_array_get(steps, 0), "time"), zone);
	snprintf(heading, sizeof heading, "In order of time (%.40s, seconds from the first %s)", zone,
	         verdict_beginning(v));
	heading_put(out, heading);
	json_array_foreach ((json_t *)steps, i, step)
		step_put(out, step);
}

static void end_put(FILE *out, const json_t *story)
{
	const json_t *v = json_object_get(story, "verdict");
	char when[LOCAL_TIME_SIZE];

	heading_put(out, "How it ended");
	fputs("  ", out);
	if (*text_get(v, "ended_time") != '\0') {
		local_time(text_get(v, "ended_time"), when);
		fprintf(out, "%s, after %s:\n  ", when, text_get(v, "lasted"));
	}
	text_wrap(out, text_get(story, "healed"), "  ");
}

static void others_put(FILE *out, const json_t *others)
{
	json_t *other;
	size_t i;

	json_array_foreach ((json_t *)others, i, other) {
		fputs(i == 0 ? "\nIn the same incident: " : ", ", out);
		text_put(out, text_get(other, "verdict"), 0);
		fprintf(out, " (t3opsctl show %lld)", (long long)json_integer_value(json_object_get(other, "id")));
	}
	if (json_array_size(others) > 0)
		fputc('\n', out);
}

static void nearer_put(FILE *out, const json_t *nearer)
{
	if (!json_is_object(nearer))
		return;
	fputs("Nearer to that time, and not known to have affected this user: ", out);
	text_put(out, text_get(nearer, "verdict"), 0);
	fprintf(out, " (t3opsctl show %lld)\n\n", (long long)json_integer_value(json_object_get(nearer, "id")));
}

void print_story(FILE *out, const json_t *answer)
{
	const json_t *story = json_object_get(answer, "story");

	nearer_put(out, json_object_get(answer, "nearer"));
	if (!json_is_object(story)) {
		fputs("No verdict is about this user at that time.\n", out);
		if (json_array_size(json_object_get(answer, "steps")) == 0)
			fputs("The journal has nothing of this user, either.\n", out);
		steps_put(out, json_object_get(answer, "steps"), NULL);
		return;
	}
	head_put(out, json_object_get(story, "verdict"));
	section_put(out, "What the page experienced", json_object_get(story, "experienced"));
	verdict_put(out, json_object_get(story, "verdict"));
	section_put(out, "What failed", json_object_get(story, "failed"));
	section_put(out, "What worked", json_object_get(story, "worked"));
	steps_put(out, json_object_get(story, "steps"), json_object_get(story, "verdict"));
	end_put(out, story);
	others_put(out, json_object_get(answer, "others"));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void users_add(struct table *t, const json_t *users)
{
	char *text = NULL;
	size_t len = 0;
	FILE *all = open_memstream(&text, &len);

	if (all == NULL)
		return;
	text_list_put(all, users, ",");
	table_add(t, fclose(all) == 0 ? text : "");
	free(text);
}

static void row_add(struct table *t, const json_t *v)
{
	char when[LOCAL_TIME_SIZE], id[24];

	local_time_bare(text_get(v, "drop_time"), when);
	snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_object_get(v, "id")));
	table_add(t, id);
	table_add(t, when);
	table_add(t, text_get(v, "lasted"));
	table_add(t, text_get(v, "state"));
	table_add_style(t, text_get(v, "verdict"), style_of(v));
	users_add(t, json_object_get(v, "users"));
}

void print_verdict_rows(FILE *out, const json_t *list)
{
	char time[LOCAL_TIME_SIZE + 8], zone[LOCAL_TIME_SIZE];
	const struct table_column columns[] = {{"ID", TABLE_NUMBER},  {time, TABLE_TEXT},      {"LASTED", TABLE_TEXT},
	                                       {"STATE", TABLE_TEXT}, {"VERDICT", TABLE_NAME}, {"USERS", TABLE_NAME}};
	struct table *t;

	if (json_array_size(list) == 0) {
		fputs("no verdict in that time\n", out);
		return;
	}
	local_zone("", zone);
	snprintf(time, sizeof time, "TIME (%.40s)", zone);
	t = table_new(columns, sizeof columns / sizeof columns[0]);
	for (size_t i = json_array_size(list); i-- > 0;)
		row_add(t, json_array_get(list, i));
	table_print(t, out, text_terminal_width(out), 0);
	table_free(t);
}
