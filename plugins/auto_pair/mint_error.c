/* SPDX-License-Identifier: MIT */
/* Why a mint failed; see mint_error.h. */
#include "auto_pair/mint_error.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINE_SIZE      512
#define CREDENTIAL_LEN 12
#define TOKEN_LEN      20
#define NEWER_DATABASE "; its database may be newer than the t3 program"

/* One line without control bytes and colours, from *at on; false at the end. */
static bool line_take(const char **at, const char *end, char line[LINE_SIZE])
{
	size_t n = 0;

	if (*at >= end)
		return false;
	for (; *at < end && **at != '\n'; (*at)++) {
		if (**at == '\033') { /* ESC [ ... letter */
			while (*at + 1 < end && !isalpha((unsigned char)**at) && **at != '\n')
				(*at)++;
			continue;
		}
		if ((unsigned char)**at >= ' ' && **at != 0x7f && n + 1 < LINE_SIZE)
			line[n++] = **at;
	}
	*at += *at < end;
	while (n > 0 && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	return true;
}

/* A word as credentials are: twelve upper-case letters and digits. */
static bool has_pairing_code(const char *line)
{
	size_t run = 0;

	for (;; line++) {
		if (isupper((unsigned char)*line) || isdigit((unsigned char)*line)) {
			run++;
			continue;
		}
		if (run == CREDENTIAL_LEN)
			return true;
		if (*line == '\0')
			return false;
		run = 0;
	}
}

static bool is_of_base64url(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* A word as tokens and cookies are: long, of base64url, and no UUID or path. */
static bool has_token(const char *line)
{
	while (*line != '\0') {
		size_t len = 0, upper = 0, lower = 0, digits = 0;

		for (; is_of_base64url(line[len]); len++) {
			upper += isupper((unsigned char)line[len]) != 0;
			lower += islower((unsigned char)line[len]) != 0;
			digits += isdigit((unsigned char)line[len]) != 0;
		}
		if (len >= TOKEN_LEN && upper > 0 && lower > 0 && digits > 0)
			return true;
		line += len > 0 ? len : 1;
	}
	return false;
}

static bool may_hold_credential(const char *line)
{
	return strcasestr(line, "credential\"") || strcasestr(line, "token=") || strcasestr(line, "token\"") ||
	       has_pairing_code(line) || has_token(line);
}

/* JSON or a link: the result, which is secret whatever a newer t3 calls its parts. */
static bool is_result(const char *text)
{
	return strchr("{}[]\"", text[0]) || strstr(text, "://");
}

static bool says_failure(const char *line)
{
	return strcasestr(line, "fail") || strcasestr(line, "error") || strcasestr(line, "cannot") ||
	       strcasestr(line, "denied");
}

void mint_error_find(const char *out, size_t len, char *why, size_t size)
{
	const char *at = out, *end = out + len;
	char line[LINE_SIZE];
	bool found = false, sql = false;

	why[0] = '\0';
	while (out && line_take(&at, end, line)) {
		const char *text = line + strspn(line, " \t");

		sql = sql || strstr(text, "SqlError") || strstr(text, "no such column") ||
		      strstr(text, "has no column");
		if (text[0] == '\0' || found || may_hold_credential(text))
			continue;
		found = says_failure(text);
		if (found || (why[0] == '\0' && !is_result(text)))
			snprintf(why, size, "%s", text);
	}
	if (sql && strlen(why) + sizeof NEWER_DATABASE <= size)
		strcat(why, NEWER_DATABASE);
}
