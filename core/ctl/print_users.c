/* SPDX-License-Identifier: MIT */
/* Who is connected, and what is new; see print_users.h. */
#include "ctl/print_users.h"

#include <string.h>

#include "ctl/local_time.h"
#include "ctl/print_story.h"
#include "ctl/style.h"
#include "ctl/text.h"

#define TIME_WIDTH 19

/* Without its zone, which the head names. */
static void time_column(FILE *out, const char *utc)
{
	char when[LOCAL_TIME_SIZE];

	local_time(utc, when);
	when[TIME_WIDTH] = '\0';
	text_put(out, *when != '\0' ? when : "-", TIME_WIDTH);
	fputs("  ", out);
}

static void delay_column(FILE *out, const json_t *delay)
{
	if (delay != NULL)
		fprintf(out, "%7.0f ms  ", json_number_value(delay) * 1000);
	else
		fprintf(out, "%10s  ", "-");
}

/* "backup 2026-11-27 03:30:02, version 1.2.3" */
static void facts_put(FILE *out, const json_t *user)
{
	const char *key, *between = "";
	char when[LOCAL_TIME_SIZE];
	json_t *value;

	json_object_foreach (json_object_get(user, "facts"), key, value) {
		fputs(between, out);
		text_put(out, key, 0);
		fputc(' ', out);
		text_put(out, json_string_value(value), 0);
		between = ", ";
	}
	json_object_foreach (json_object_get(user, "times"), key, value) {
		local_time(json_string_value(value), when);
		when[TIME_WIDTH] = '\0';
		fputs(between, out);
		text_put(out, key, 0);
		fprintf(out, " %s", when);
		between = ", ";
	}
}

static void user_put(FILE *out, const json_t *user, int width)
{
	const char *leg = text_get(user, "leg");
	long long tunnels = (long long)json_integer_value(json_object_get(user, "tunnels"));

	text_put(out, text_get(user, "user"), width);
	fprintf(out, "  %7lld  ", tunnels);
	time_column(out, text_get(user, "connected_since"));
	delay_column(out, json_object_get(user, "heartbeat_seconds"));
	time_column(out, text_get(user, "last_drop"));
	style_put(out, strcmp(leg, "down") == 0 ? STYLE_BAD : STYLE_PLAIN);
	text_put(out, *leg != '\0' ? leg : "-", 9);
	style_put(out, STYLE_PLAIN);
	fputs("  ", out);
	facts_put(out, user);
	fputc('\n', out);
}

static int widest(const json_t *users)
{
	size_t width = 4, i;
	json_t *user;

	json_array_foreach ((json_t *)users, i, user)
		width = strlen(text_get(user, "user")) > width ? strlen(text_get(user, "user")) : width;
	return (int)width;
}

void print_users(FILE *out, const json_t *users)
{
	char zone[LOCAL_TIME_SIZE], since[LOCAL_TIME_SIZE + 20];
	int width = widest(users);
	json_t *user;
	size_t i;

	if (json_array_size(users) == 0) {
		fputs("no user is known yet\n", out);
		return;
	}
	local_zone("", zone);
	snprintf(since, sizeof since, "CONNECTED (%.40s)", zone);
	style_put(out, STYLE_STRONG);
	fprintf(out, "%-*s  %7s  %-19s  %10s  %-19s  %-9s  %s", width, "USER", "TUNNELS", since, "HEARTBEAT",
	        "LAST DROP", "T3 SERVER", "KNOWN");
	style_put(out, STYLE_PLAIN);
	fputc('\n', out);
	json_array_foreach ((json_t *)users, i, user)
		user_put(out, user, width);
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
