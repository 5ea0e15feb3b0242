/* SPDX-License-Identifier: MIT */
/* Pairs of a line; see logfmt_value.h. */
#include "monitor/logfmt_value.h"

#include <string.h>

/* Behind the value that begins here. */
static const char *value_end(const char *at)
{
	if (*at != '"')
		return at + strcspn(at, " ");
	for (at++; *at != '\0' && *at != '"'; at++)
		if (at[0] == '\\' && at[1] != '\0')
			at++;
	return *at == '"' ? at + 1 : at;
}

static char unescaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

static void value_copy(const char *at, const char *end, char *out, size_t size)
{
	bool quoted = *at == '"';
	size_t n = 0;

	if (quoted) {
		at++;
		end -= end > at && end[-1] == '"';
	}
	for (; at < end && n + 1 < size; at++) {
		bool escape = quoted && *at == '\\' && at + 1 < end;

		at += escape;
		out[n++] = escape ? unescaped(*at) : *at;
	}
	out[n] = '\0';
}

bool logfmt_value(const char *line, const char *key, char *out, size_t size)
{
	size_t len = strlen(key);

	out[0] = '\0';
	while (*line != '\0') {
		const char *equals = line + strcspn(line, "= "), *end = equals;

		if (*equals == '=')
			end = value_end(equals + 1);
		if (*equals == '=' && (size_t)(equals - line) == len && strncmp(line, key, len) == 0) {
			value_copy(equals + 1, end, out, size);
			return true;
		}
		line = end + strspn(end, " ");
	}
	return false;
}
