/* SPDX-License-Identifier: MIT */
/* Users in the metrics; see user_facts.h. */
#include "monitor/user_facts.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/metrics_render.h"
#include "sys/time_text.h"

#define TIME_SUFFIX "_timestamp_seconds"
#define INFO_SUFFIX "_info"
#define VALUE_MAX   640

struct line {
	const char *name;
	size_t name_len;
	const char *labels, *value; /* behind the braces */
};

static bool ends_in(const struct line *l, const char *suffix)
{
	size_t len = strlen(suffix);

	return l->name_len > len && memcmp(l->name + l->name_len - len, suffix, len) == 0;
}

/* "name{labels} value"; false: a comment, or one without labels. */
static bool line_read(const char *at, size_t len, struct line *out)
{
	const char *open = memchr(at, '{', len), *close = memrchr(at, '}', len);

	if (open == NULL || close == NULL || close < open || *at == '#')
		return false;
	*out = (struct line){.name = at, .name_len = (size_t)(open - at), .labels = open + 1, .value = close + 1};
	return true;
}

/* The pair that begins here, unescaped; where the next one begins, NULL: none does. */
static const char *pair_read(const char *at, char key[64], char value[VALUE_MAX])
{
	size_t len = strcspn(at, "=}"), n = 0;

	if (at[len] != '=' || at[len + 1] != '"' || len >= 64)
		return NULL;
	memcpy(key, at, len);
	key[len] = '\0';
	for (at += len + 2; *at != '\0' && *at != '"'; at++) {
		at += *at == '\\' && at[1] != '\0';
		if (n + 1 < VALUE_MAX)
			value[n++] = *at;
	}
	value[n] = '\0';
	return *at == '"' ? at + 1 + (at[1] == ',') : NULL;
}

static bool label_get(const struct line *l, const char *name, char value[VALUE_MAX])
{
	char key[64];

	for (const char *at = l->labels; at != NULL;) {
		at = pair_read(at, key, value);
		if (at != NULL && strcmp(key, name) == 0)
			return true;
	}
	return false;
}

static json_t *member(json_t *o, const char *key)
{
	json_t *m = json_object_get(o, key);

	if (m == NULL) {
		m = json_object();
		json_object_set_new(o, key, m);
	}
	return m;
}

/* Without its prefix and suffix, in words. */
static void name_make(const struct line *l, char out[VALUE_MAX])
{
	size_t skip = l->name_len > 6 && memcmp(l->name, "t3ops_", 6) == 0 ? 6 : 0;
	size_t len = l->name_len - strlen(TIME_SUFFIX) - skip;

	len = len < VALUE_MAX ? len : VALUE_MAX - 1;
	memcpy(out, l->name + skip, len);
	out[len] = '\0';
	for (char *at = out; *at != '\0'; at++)
		*at = (char)(*at == '_' ? ' ' : *at);
}

static void time_add(json_t *user, const struct line *l)
{
	double seconds = strtod(l->value, NULL);
	char name[VALUE_MAX], outcome[VALUE_MAX], when[TIME_TEXT_SIZE];

	if (!isfinite(seconds) || seconds <= 0 || seconds > 1e11 || label_get(l, "outcome", outcome))
		return;
	if (!label_get(l, "task", name))
		name_make(l, name);
	time_text((uint64_t)(seconds * 1e6), when);
	json_object_set_new(member(user, "times"), name, json_string(when));
}

static void info_add(json_t *user, const struct line *l)
{
	char key[64], value[VALUE_MAX];

	if (strtod(l->value, NULL) != 1)
		return;
	for (const char *at = l->labels; at != NULL;) {
		at = pair_read(at, key, value);
		if (at != NULL && strcmp(key, "user") != 0 && strcmp(key, "plugin") != 0 && value[0] != '\0')
			json_object_set_new(member(user, "facts"), key, json_string(value));
	}
}

static void line_take(json_t *users, const char *at, size_t len)
{
	char user[VALUE_MAX];
	struct line l;

	if (!line_read(at, len, &l) || (!ends_in(&l, TIME_SUFFIX) && !ends_in(&l, INFO_SUFFIX)) ||
	    memmem(l.name, l.name_len, "_leg_", 5) != NULL || !label_get(&l, "user", user) || user[0] == '\0')
		return;
	if (ends_in(&l, TIME_SUFFIX))
		time_add(member(users, user), &l);
	else
		info_add(member(users, user), &l);
}

const char *user_facts_line(json_t *users, const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	if (newline == NULL)
		return end;
	line_take(users, at, (size_t)(newline - at));
	return newline + 1;
}

/* Of legs there are many, and nothing is taken from them. */
static bool is_told(const char *family)
{
	const struct line l = {.name = family, .name_len = strlen(family)};

	return (ends_in(&l, TIME_SUFFIX) || ends_in(&l, INFO_SUFFIX)) && strstr(family, "_leg_") == NULL;
}

struct metrics_rendering *user_facts_begin(const struct metrics *m)
{
	return metrics_render_begin(m, is_told, "");
}
