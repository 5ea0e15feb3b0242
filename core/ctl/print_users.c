/* SPDX-License-Identifier: MIT */
/* Who is connected, and what is new; see print_users.h. */
#include "ctl/print_users.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/local_time.h"
#include "ctl/print_story.h"
#include "ctl/style.h"
#include "ctl/table.h"
#include "ctl/text.h"

/* Without its zone, which the head names. */
static void time_add(struct table *t, const char *utc)
{
	char when[LOCAL_TIME_SIZE];

	local_time_bare(utc, when);
	table_add(t, *when != '\0' ? when : "-");
}

static void delay_add(struct table *t, const json_t *delay)
{
	char text[32];

	snprintf(text, sizeof text, "%.0f ms", json_number_value(delay) * 1000);
	table_add(t, delay != NULL ? text : "-");
}

/* "backup 2026-11-27 03:30:02, version 1.2.3" */
static void facts_put(FILE *out, const json_t *user)
{
	const char *key, *between = "";
	char when[LOCAL_TIME_SIZE];
	json_t *value;

	json_object_foreach (json_object_get(user, "facts"), key, value) {
		fprintf(out, "%s%s %s", between, key, json_string_value(value));
		between = ", ";
	}
	json_object_foreach (json_object_get(user, "times"), key, value) {
		local_time_bare(json_string_value(value), when);
		fprintf(out, "%s%s %s", between, key, when);
		between = ", ";
	}
}

/* What is known of the user, below the row. */
static void facts_note(struct table *t, const json_t *user)
{
	char *text = NULL;
	size_t len = 0;
	FILE *note = open_memstream(&text, &len);

	if (note == NULL)
		return;
	facts_put(note, user);
	if (fclose(note) == 0 && len > 0)
		table_note(t, text);
	free(text);
}

static void user_add(struct table *t, const json_t *user)
{
	const char *leg = text_get(user, "leg");
	char tunnels[24];

	table_add(t, text_get(user, "user"));
	snprintf(tunnels, sizeof tunnels, "%lld", (long long)json_integer_value(json_object_get(user, "tunnels")));
	table_add(t, tunnels);
	time_add(t, text_get(user, "connected_since"));
	delay_add(t, json_object_get(user, "heartbeat_seconds"));
	time_add(t, text_get(user, "last_drop"));
	table_add_style(t, *leg != '\0' ? leg : "-", strcmp(leg, "down") == 0 ? STYLE_BAD : STYLE_PLAIN);
	facts_note(t, user);
}

void print_users(FILE *out, const json_t *users)
{
	char zone[LOCAL_TIME_SIZE], since[LOCAL_TIME_SIZE + 16];
	const struct table_column columns[] = {{"USER", TABLE_NAME},      {"TUNNELS", TABLE_NUMBER},
	                                       {since, TABLE_TEXT},       {"HEARTBEAT", TABLE_NUMBER},
	                                       {"LAST DROP", TABLE_TEXT}, {"T3 SERVER", TABLE_TEXT}};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	json_t *user;
	size_t i;

	local_zone("", zone);
	snprintf(since, sizeof since, "CONNECTED (%s)", zone);
	if (json_array_size(users) == 0) {
		fputs("no user is known yet\n", out);
	} else {
		json_array_foreach ((json_t *)users, i, user)
			user_add(t, user);
		table_print(t, out, text_terminal_width(out), 0);
	}
	table_free(t);
}

static enum style state_style(const char *state)
{
	return strcmp(state, "clear") == 0 ? STYLE_GOOD : strcmp(state, "down") == 0 ? STYLE_BAD : STYLE_DOUBT;
}

void print_watch(FILE *out, const json_t *answer)
{
	const json_t *headline = json_object_get(answer, "headline");
	char when[LOCAL_TIME_SIZE];

	local_time(text_get(headline, "since"), when);
	style_put(out, state_style(text_get(headline, "state")));
	text_put(out, text_get(headline, "lead"), 0);
	fprintf(out, " %s", when);
	text_put(out, text_get(headline, "rest"), 0);
	style_put(out, STYLE_PLAIN);
	fputc('\n', out);
	if (json_array_size(json_object_get(answer, "standing")) > 0)
		print_verdict_rows(out, json_object_get(answer, "standing"));
}

void print_news(FILE *out, const json_t *news)
{
	const char *kind = text_get(news, "kind");
	char when[LOCAL_TIME_SIZE];

	local_time(text_get(news, "time"), when);
	fprintf(out, "%s  ", when);
	style_put(out, strcmp(kind, "verdict") == 0          ? STYLE_STRONG
	               : strcmp(kind, "verdict_healed") == 0 ? STYLE_GOOD
	                                                     : STYLE_PLAIN);
	text_put(out, text_get(news, "text"), 0);
	style_put(out, STYLE_PLAIN);
	fputc('\n', out);
}
