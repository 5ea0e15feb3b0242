/* SPDX-License-Identifier: MIT */
/* See version.h. */
#include "version.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n\"'"
#define DIGITS 18 /* what a long holds */

static bool is_number(const char *at, size_t len)
{
	return len > 0 && len <= DIGITS && strspn(at, "0123456789") >= len;
}

/* Words between dots, each of letters, digits and hyphens. */
static bool is_dotted(const char *at, size_t len)
{
	bool in_word = false;

	for (size_t i = 0; i < len; i++) {
		if (at[i] == '.' && !in_word)
			return false;
		in_word = at[i] != '.';
		if (in_word && !isalnum((unsigned char)at[i]) && at[i] != '-')
			return false;
	}
	return in_word;
}

bool version_is(const char *text)
{
	const char *at = text;
	size_t len;

	if (strlen(text) >= VERSION_SIZE)
		return false;
	for (int i = 0; i < 3; i++) {
		len = strcspn(at, ".-+");
		if (!is_number(at, len) || (i < 2 && at[len] != '.'))
			return false;
		at += len + (i < 2);
	}
	if (*at == '-') {
		len = strcspn(at, "+");
		if (!is_dotted(at + 1, len - 1))
			return false;
		at += len;
	}
	return *at == '\0' || (*at == '+' && is_dotted(at + 1, strlen(at + 1)));
}

/* ---- order --------------------------------------------------------------------------------------------------- */

static int sign_of(long a, long b)
{
	return (a > b) - (a < b);
}

/* One word each, numbers before names and by their value. */
static int word_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	bool a_number = is_number(a, a_len), b_number = is_number(b, b_len);
	size_t both = a_len < b_len ? a_len : b_len;
	int r;

	if (a_number != b_number)
		return a_number ? -1 : 1;
	if (a_number)
		return sign_of(strtol(a, NULL, 10), strtol(b, NULL, 10));
	r = strncmp(a, b, both);
	return r != 0 ? r : sign_of((long)a_len, (long)b_len);
}

/* Of what is behind the hyphen; none at all is the newest. */
static int prerelease_compare(const char *a, const char *b)
{
	if (*a != '-' || *b != '-')
		return (*b == '-') - (*a == '-');
	do {
		size_t a_len = strcspn(++a, ".+"), b_len = strcspn(++b, ".+");
		int r = word_compare(a, a_len, b, b_len);

		if (r != 0)
			return r;
		a += a_len;
		b += b_len;
	} while (*a == '.' && *b == '.');
	return (*a == '.') - (*b == '.');
}

int version_compare(const char *a, const char *b)
{
	for (int i = 0; i < 3; i++) {
		char *a_end, *b_end;
		int r = sign_of(strtol(a, &a_end, 10), strtol(b, &b_end, 10));

		if (r != 0)
			return r;
		a = a_end + (i < 2);
		b = b_end + (i < 2);
	}
	return prerelease_compare(a, b);
}

/* ---- words --------------------------------------------------------------------------------------------------- */

bool version_in_channel(const char *version, const char *channel)
{
	const char *build = strchr(version, '+'), *prerelease = strchr(version, '-');
	size_t len;

	if (prerelease == NULL || (build != NULL && build < prerelease))
		return true;
	len = strcspn(++prerelease, ".+-");
	return len == strlen(channel) && strncmp(prerelease, channel, len) == 0;
}

bool version_find(const char *printed, char out[VERSION_SIZE])
{
	bool found = false;

	for (const char *at = printed + strspn(printed, BLANKS); *at != '\0'; at += strspn(at, BLANKS)) {
		const char *word = at + (at[0] == 'v' && isdigit((unsigned char)at[1]));
		char text[VERSION_SIZE];

		at += strcspn(at, BLANKS);
		if (at - word >= VERSION_SIZE)
			continue;
		snprintf(text, sizeof text, "%.*s", (int)(at - word), word);
		if (!version_is(text))
			continue;
		memcpy(out, text, sizeof text);
		found = true;
	}
	return found;
}
