/* SPDX-License-Identifier: MIT */
/* EnvironmentFile syntax; see env_file.h. */
#include "users/env_file.h"

#include <stdbool.h>
#include <string.h>

#define NAME_SIZE 64

/*
 *   BEFORE --# or ;--> COMMENT      BEFORE --else--> NAME --=--> GAP --else--> VALUE
 *   GAP --quote--> SINGLE or DOUBLE --quote--> GAP
 *
 * The end of a line leads back to BEFORE, but for one inside quotes or behind a backslash.
 */
enum env_state { BEFORE, COMMENT, NAME, GAP, VALUE, SINGLE, DOUBLE };

struct env_reader {
	enum env_state state;
	bool escaped;  /* a backslash came before */
	bool doubtful; /* this line follows a continued comment */
	const char *wanted;
	char name[NAME_SIZE];
	size_t name_len; /* NAME_SIZE: too long to be wanted */
	bool is_wanted;
	char *out;
	size_t size, len;
	size_t kept; /* of len: without the blanks at its end */
	enum env_result result;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

static void line_end(struct env_reader *r)
{
	r->state = BEFORE;
	r->doubtful = false;
}

static void name_add(struct env_reader *r, char c)
{
	if (r->name_len < NAME_SIZE)
		r->name[r->name_len++] = c;
}

static void name_end(struct env_reader *r)
{
	while (r->name_len > 0 && is_blank(r->name[r->name_len - 1]))
		r->name_len--;
	r->is_wanted = r->name_len == strlen(r->wanted) && memcmp(r->name, r->wanted, r->name_len) == 0;
	r->len = r->kept = 0;
	r->state = GAP;
}

static void value_add(struct env_reader *r, char c)
{
	if (!r->is_wanted)
		return;
	if (r->len + 1 < r->size)
		r->out[r->len] = c;
	r->len++;
	if (r->state != VALUE || !is_blank(c))
		r->kept = r->len;
}

static void value_end(struct env_reader *r)
{
	if (r->is_wanted && r->doubtful)
		r->result = ENV_AMBIGUOUS;
	else if (r->is_wanted)
		r->result = r->kept < r->size ? ENV_FOUND : ENV_TOO_LONG;
	if (r->is_wanted && r->kept < r->size)
		r->out[r->kept] = '\0';
	r->is_wanted = false;
	line_end(r);
}

static void before_read(struct env_reader *r, char c)
{
	if (is_blank(c) || is_line_end(c))
		return;
	r->state = c == '#' || c == ';' ? COMMENT : NAME;
	r->name_len = 0;
	if (r->state == NAME)
		name_add(r, c);
}

static void comment_read(struct env_reader *r, char c)
{
	bool continued = r->escaped;

	r->escaped = c == '\\' && !continued;
	if (!is_line_end(c))
		return;
	line_end(r);
	r->doubtful = continued;
}

static void gap_read(struct env_reader *r, char c)
{
	if (is_blank(c))
		return;
	r->state = c == '\'' ? SINGLE : c == '"' ? DOUBLE : VALUE;
	if (r->state != VALUE)
		return;
	r->escaped = c == '\\';
	if (!r->escaped)
		value_add(r, c);
}

static void value_read(struct env_reader *r, char c)
{
	if (r->escaped) {
		r->escaped = false;
		if (!is_line_end(c))
			value_add(r, c);
	} else if (is_line_end(c)) {
		value_end(r);
	} else if (c == '\\') {
		r->escaped = true;
	} else {
		value_add(r, c);
	}
}

static void double_read(struct env_reader *r, char c)
{
	if (r->escaped) {
		r->escaped = false;
		if (!strchr("\"\\`$\n", c))
			value_add(r, '\\');
		if (c != '\n')
			value_add(r, c);
	} else if (c == '"') {
		r->state = GAP;
	} else if (c == '\\') {
		r->escaped = true;
	} else {
		value_add(r, c);
	}
}

static void char_read(struct env_reader *r, char c)
{
	switch (r->state) {
	case BEFORE:
		before_read(r, c);
		break;
	case COMMENT:
		comment_read(r, c);
		break;
	case NAME:
		if (c == '=')
			name_end(r);
		else if (is_line_end(c))
			line_end(r);
		else
			name_add(r, c);
		break;
	case GAP:
		if (is_line_end(c))
			value_end(r);
		else
			gap_read(r, c);
		break;
	case VALUE:
		value_read(r, c);
		break;
	case SINGLE:
		if (c == '\'')
			r->state = GAP;
		else
			value_add(r, c);
		break;
	case DOUBLE:
		double_read(r, c);
		break;
	}
}

enum env_result env_file_get(const char *text, size_t len, const char *name, char *out, size_t size)
{
	struct env_reader r = {.wanted = name, .out = out, .size = size, .result = ENV_ABSENT};

	for (size_t i = 0; i < len; i++)
		char_read(&r, text[i]);
	if (r.state >= GAP)
		value_end(&r);
	if (r.result != ENV_FOUND)
		out[0] = '\0';
	return r.result;
}
