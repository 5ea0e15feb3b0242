/* SPDX-License-Identifier: MIT */
/* The table of top; see top_table.h. */
#include "ctl/top_table.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/local_time.h"
#include "ctl/style.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "sys/time_text.h"

#define HEAD_LINES 5 /* the two lines above the table, the empty one, its head, and the last line */

bool top_order_parse(const char *text, enum top_order *out)
{
	static const char *const words[] = {[TOP_BY_RATE] = "rate",
	                                    [TOP_BY_TUNNELS] = "tunnels",
	                                    [TOP_BY_HEARTBEAT] = "heartbeat",
	                                    [TOP_BY_USER] = "user"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = (enum top_order)i;
			return true;
		}
	return false;
}

/* ---- the order ---------------------------------------------------------------------------------- */

static double number_of(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static double weight_of(const json_t *user, enum top_order order)
{
	switch (order) {
	case TOP_BY_RATE:
		return number_of(user, "bytes_up_per_second") + number_of(user, "bytes_down_per_second");
	case TOP_BY_TUNNELS:
		return number_of(user, "tunnels");
	case TOP_BY_HEARTBEAT:
		return number_of(user, "heartbeat_seconds");
	default:
		return 0;
	}
}

struct ranked {
	double weight;
	const json_t *user;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *l = a, *r = b;

	if (l->weight != r->weight)
		return l->weight < r->weight ? 1 : -1;
	return strcmp(text_get(l->user, "user"), text_get(r->user, "user"));
}

/* Those with a tunnel, in order; freed with free(3).  NULL: there are none, or no memory. */
static struct ranked *ranked_new(const json_t *users, enum top_order order, size_t *n)
{
	struct ranked *all = calloc(json_array_size(users) + 1, sizeof *all);
	json_t *user;
	size_t i;

	*n = 0;
	json_array_foreach ((json_t *)users, i, user)
		if (all != NULL && number_of(user, "tunnels") > 0)
			all[(*n)++] = (struct ranked){weight_of(user, order), user};
	if (all != NULL)
		qsort(all, *n, sizeof *all, by_rank);
	return all;
}

/* ---- cells -------------------------------------------------------------------------------------- */

/* "0 B/s", "12.3 kB/s" */
static const char *rate_text(double bytes, char out[24])
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s"};
	size_t unit = 0;

	for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		bytes /= 1000;
	snprintf(out, 24, unit > 0 && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return out;
}

static void rate_add(struct table *t, const json_t *user, const char *key)
{
	char text[24];

	table_add(t, json_object_get(user, key) != NULL ? rate_text(number_of(user, key), text) : "-");
}

static void heartbeat_add(struct table *t, const json_t *user)
{
	double seconds = number_of(user, "heartbeat_seconds");
	char text[24];

	snprintf(text, sizeof text, "%.0f ms", seconds * 1000);
	table_add_style(t, seconds > 0 ? text : "-", seconds >= 2 ? STYLE_BAD : STYLE_PLAIN);
}

static void connected_add(struct table *t, const json_t *user, uint64_t now_us)
{
	uint64_t since_us;
	char text[32] = "-";

	if (time_text_read(text_get(user, "connected_since"), &since_us) && since_us <= now_us)
		text_duration((double)(now_us - since_us) / 1e6, text, sizeof text);
	table_add(t, text);
}

static void user_add(struct table *t, const json_t *user, uint64_t now_us)
{
	const char *leg = text_get(user, "leg");
	char tunnels[24];

	table_add(t, text_get(user, "user"));
	snprintf(tunnels, sizeof tunnels, "%.0f", number_of(user, "tunnels"));
	table_add(t, tunnels);
	rate_add(t, user, "bytes_up_per_second");
	rate_add(t, user, "bytes_down_per_second");
	heartbeat_add(t, user);
	connected_add(t, user, now_us);
	table_add_style(t, *leg != '\0' ? leg : "-", strcmp(leg, "down") == 0 ? STYLE_BAD : STYLE_PLAIN);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

/* "14:03:12 CET  3 of 5 users, 7 tunnels, 1.2 kB/s up, 56 kB/s down", and how things are. */
static void head_print(FILE *out, const json_t *answer, const struct ranked *all, size_t n)
{
	const json_t *headline = json_object_get(answer, "headline");
	char when[LOCAL_TIME_SIZE], up[24], down[24];
	double tunnels = 0, bytes_up = 0, bytes_down = 0;

	for (size_t i = 0; i < n; i++) {
		tunnels += number_of(all[i].user, "tunnels");
		bytes_up += number_of(all[i].user, "bytes_up_per_second");
		bytes_down += number_of(all[i].user, "bytes_down_per_second");
	}
	local_time(text_get(answer, "time"), when);
	fprintf(out, "%s  %zu of %zu users, %.0f tunnel%s, %s up, %s down\n", when, n,
	        json_array_size(json_object_get(answer, "users")), tunnels, tunnels == 1 ? "" : "s",
	        rate_text(bytes_up, up), rate_text(bytes_down, down));
	local_time(text_get(headline, "since"), when);
	text_put(out, text_get(headline, "lead"), 0);
	fprintf(out, " %s", when);
	text_put(out, text_get(headline, "rest"), 0);
	fputs("\n\n", out);
}

void top_print(FILE *out, const json_t *answer, enum top_order order, int width, int lines)
{
	static const struct table_column columns[] = {{"USER", TABLE_NAME},        {"TUNNELS", TABLE_NUMBER},
	                                              {"UP", TABLE_NUMBER},        {"DOWN", TABLE_NUMBER},
	                                              {"HEARTBEAT", TABLE_NUMBER}, {"CONNECTED", TABLE_NUMBER},
	                                              {"T3 SERVER", TABLE_TEXT}};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	uint64_t now_us = 0;
	struct ranked *all;
	size_t n;

	all = ranked_new(json_object_get(answer, "users"), order, &n);
	time_text_read(text_get(answer, "time"), &now_us);
	for (size_t i = 0; i < n; i++)
		user_add(t, all[i].user, now_us);
	head_print(out, answer, all, n);
	if (n == 0)
		fputs("nobody is connected\n", out);
	else
		table_print(t, out, width, lines > HEAD_LINES ? (size_t)(lines - HEAD_LINES) : 0);
	free(all);
	table_free(t);
}
