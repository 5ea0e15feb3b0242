/* SPDX-License-Identifier: MIT */
/* Words in a text; see words.h. */
#include "sys/words.h"

#include <stdio.h>
#include <string.h>

bool word_next(const char **at, char *out, size_t size)
{
	size_t len;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	if (len == 0)
		return false;
	snprintf(out, size, "%.*s", (int)len, *at);
	*at += len;
	return true;
}

bool words_have(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words ? words : "";

	for (at += strspn(at, " "); *at != '\0'; at += strcspn(at, " "), at += strspn(at, " "))
		if (strcspn(at, " ") == len && memcmp(at, word, len) == 0)
			return true;
	return false;
}
