/* SPDX-License-Identifier: MIT */
/* Fills texts in; knows nothing of what they are for. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/template.h"

#define DEPTH_MAX 8

struct rendering {
	FILE *out;
	const char *start, *what; /* what: what is wrong, NULL: nothing */
	const char *wrong_at;
	unsigned depth;
};

enum line_kind { LINE_TEXT, LINE_REMARK, LINE_IF, LINE_ELSE, LINE_END, LINE_FOR };

static size_t line_length(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? (size_t)(end + 1 - line) : strlen(line);
}

static bool begins(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && strchr(" \n", line[n]) != NULL;
}

static enum line_kind line_kind(const char *line)
{
	return begins(line, "%if")     ? LINE_IF
	       : begins(line, "%else") ? LINE_ELSE
	       : begins(line, "%end")  ? LINE_END
	       : begins(line, "%for")  ? LINE_FOR
	       : begins(line, "%%")    ? LINE_REMARK
	                               : LINE_TEXT;
}

static void wrong(struct rendering *r, const char *at, const char *what)
{
	if (r->what == NULL) {
		r->what = what;
		r->wrong_at = at;
	}
}

static bool is_there(const json_t *value)
{
	return json_is_string(value) ? json_string_value(value)[0] != '\0' : json_is_true(value);
}

/* A word of a line, behind `at`; "" at the line's end. */
static const char *word_next(const char *at, char *out, size_t size)
{
	size_t n;

	at += strspn(at, " ");
	n = strcspn(at, " \n");
	snprintf(out, size, "%.*s", (int)n, at);
	return at + n;
}

static bool condition_holds(const char *line, const json_t *values)
{
	char word[64];

	for (const char *at = word_next(line, word, sizeof word);;) {
		at = word_next(at, word, sizeof word);
		if (word[0] == '\0')
			return false;
		if (word[0] == '!' ? !is_there(json_object_get(values, word + 1))
		                   : is_there(json_object_get(values, word)))
			return true;
	}
}

/* An @NAME@ at `at`: its length; 0: it is none. */
static size_t place_length(const char *at)
{
	size_t n = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n > 0 && at[n + 1] == '@' ? n + 2 : 0;
}

static void place_put(struct rendering *r, const char *at, size_t n, const json_t *values)
{
	char name[64];
	const json_t *value;

	snprintf(name, sizeof name, "%.*s", (int)(n - 2), at + 1);
	value = json_object_get(values, name);
	if (json_is_string(value))
		fputs(json_string_value(value), r->out);
	else
		wrong(r, at, "a name that is not known");
}

static void line_put(struct rendering *r, const char *line, size_t n, const json_t *values)
{
	for (const char *at = line; at < line + n;) {
		size_t place = *at == '@' ? place_length(at) : 0;

		if (place == 0) {
			fputc(*at++, r->out);
			continue;
		}
		place_put(r, at, place, values);
		at += place;
	}
}

static const char *lines_put(struct rendering *r, const char *at, json_t *values, bool shown);

/* From an %if to behind its %end. */
static const char *if_put(struct rendering *r, const char *line, json_t *values, bool shown)
{
	bool holds = condition_holds(line, values);
	const char *at = lines_put(r, line + line_length(line), values, shown && holds);

	if (line_kind(at) == LINE_ELSE)
		at = lines_put(r, at + line_length(at), values, shown && !holds);
	if (line_kind(at) != LINE_END)
		wrong(r, line, "an %end is missing");
	return at + line_length(at);
}

static const char *for_put(struct rendering *r, const char *line, json_t *values, bool shown)
{
	const char *body = line + line_length(line), *at = lines_put(r, body, values, false);
	char name[64];
	size_t i;
	json_t *one;

	word_next(line + strlen("%for"), name, sizeof name);
	if (line_kind(at) != LINE_END)
		wrong(r, line, "an %end is missing");
	json_array_foreach (json_object_get(values, name), i, one) {
		json_t *inner = json_copy(values);

		json_object_update(inner, one);
		lines_put(r, body, inner, shown);
		json_decref(inner);
	}
	return at + line_length(at);
}

/* Up to an %else or %end that belongs to what is outside, or to the end. */
static const char *lines_put(struct rendering *r, const char *at, json_t *values, bool shown)
{
	if (++r->depth > DEPTH_MAX)
		wrong(r, at, "too many sections in each other");
	while (*at != '\0' && r->what == NULL) {
		enum line_kind kind = line_kind(at);

		if (kind == LINE_ELSE || kind == LINE_END)
			break;
		if (kind == LINE_TEXT && shown)
			line_put(r, at, line_length(at), values);
		at = kind == LINE_IF    ? if_put(r, at, values, shown)
		     : kind == LINE_FOR ? for_put(r, at, values, shown)
		                        : at + line_length(at);
	}
	r->depth--;
	return at;
}

static unsigned line_at(const char *text, const char *at)
{
	unsigned n = 1;

	for (; text < at; text++)
		n += *text == '\n';
	return n;
}

char *template_render(const char *text, json_t *values, unsigned *line, const char **what)
{
	char *result = NULL;
	size_t size;
	struct rendering r = {.out = open_memstream(&result, &size), .start = text};
	const char *end;

	if (r.out == NULL)
		abort();
	end = lines_put(&r, text, values, true);
	if (*end != '\0')
		wrong(&r, end, "it belongs to no %if");
	fclose(r.out);
	if (r.what == NULL)
		return result;
	*line = line_at(text, r.wrong_at);
	*what = r.what;
	free(result);
	return NULL;
}
