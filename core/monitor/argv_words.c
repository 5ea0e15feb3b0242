/* SPDX-License-Identifier: MIT */
/* Arguments without secrets; see argv_words.h. */
#include "monitor/argv_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 12
#define WORD_MAX  64
#define PLAIN_MAX 24 /* letters in a row; more may be a key */
#define MIXED_MAX 12 /* the same of mixed ones */
#define HIDDEN    "..."

static bool names_a_secret(const char *word)
{
	static const char *const names[] = {"pass", "secret", "token", "key",  "auth", "cred",  "cookie",
	                                    "pin",  "code",   "sess",  "cert", "user", "login", "header"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcasestr(word, names[i]) != NULL)
			return true;
	return false;
}

/* A long run of letters and digits, or one of both, or of small and capital letters, as in keys. */
static bool may_be_a_key(const char *word)
{
	size_t run = 0, digits = 0, capitals = 0;

	for (const char *at = word; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at)) {
			run = digits = capitals = 0;
			continue;
		}
		run++;
		digits += isdigit((unsigned char)*at) != 0;
		capitals += isupper((unsigned char)*at) != 0;
		if (run > PLAIN_MAX || (run >= MIXED_MAX && (digits > 0 || (capitals > 0 && capitals < run))))
			return true;
	}
	return false;
}

static bool is_plain(const char *word)
{
	for (const char *at = word; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("._/-+", *at) == NULL)
			return false;
	return strlen(word) <= WORD_MAX && !may_be_a_key(word);
}

/* One of a single letter: "-p", "-pVALUE". */
static bool is_short(const char *word)
{
	return word[0] == '-' && word[1] != '-' && word[1] != '\0';
}

/* The option's name alone. */
static size_t option_len(const char *word)
{
	size_t len = is_short(word) ? 2 : strcspn(word, "=");

	return len <= WORD_MAX ? len : 0;
}

/* What stands in the option's word behind its name. */
static const char *value_of(const char *word, size_t len)
{
	if (word[0] != '-' || len == 0 || word[len] == '\0')
		return "";
	return word[len] == '=' ? "=" HIDDEN : HIDDEN;
}

/* Whether the next word may be its value, and a secret. */
static bool hides_next(const char *word)
{
	if (is_short(word))
		return word[2] == '\0';
	return word[0] == '-' && names_a_secret(word) && strchr(word, '=') == NULL;
}

static void word_put(const char *word, bool hidden, char *out, size_t size)
{
	size_t used = strlen(out), len = word[0] == '-' ? option_len(word) : strlen(word);
	char plain[WORD_MAX + 1] = "";

	if (!hidden && len <= WORD_MAX)
		snprintf(plain, sizeof plain, "%.*s", (int)len, word);
	if (plain[0] == '\0' || !is_plain(plain))
		snprintf(plain, sizeof plain, HIDDEN);
	snprintf(out + used, size - used, "%s%s%s", used > 0 ? " " : "", plain, value_of(word, len));
}

void argv_words(const char *argv, size_t n, char *out, size_t size)
{
	bool hide = false;
	size_t words = 0;

	out[0] = '\0';
	for (const char *at = argv; at < argv + n && *at != '\0' && words < WORDS_MAX; words++) {
		word_put(at, hide && at[0] != '-', out, size);
		hide = hides_next(at);
		at += strnlen(at, (size_t)(argv + n - at)) + 1;
	}
	if (words == WORDS_MAX && strlen(out) + sizeof " ..." <= size)
		strcat(out, " " HIDDEN);
}
