/* SPDX-License-Identifier: MIT */
/* See s3_text.h. */
#include "s3_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int s3_escape(char *out, size_t size, const char *text, char keep)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		             (*text >= '0' && *text <= '9') || strchr("-._~", *text) != NULL || *text == keep;

		if (used + 4 > size)
			return -ENAMETOOLONG;
		used += (size_t)snprintf(out + used, size - used, plain ? "%c" : "%%%02X", (unsigned char)*text);
	}
	out[used] = '\0';
	return 0;
}

/* One character of a text in XML; how many bytes it takes there. */
static size_t entity_read(const char *text, char *out)
{
	static const struct {
		const char *name;
		char is;
	} entities[] = {{"&amp;", '&'},   {"&lt;", '<'},  {"&gt;", '>'},  {"&quot;", '"'},
	                {"&apos;", '\''}, {"&#34;", '"'}, {"&#39;", '\''}};

	for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
		if (strncmp(text, entities[i].name, strlen(entities[i].name)) == 0) {
			*out = entities[i].is;
			return strlen(entities[i].name);
		}
	*out = *text;
	return 1;
}

bool s3_element(const char **at, const char *name, char *out, size_t size)
{
	char open[80], shut[80];
	const char *from, *to;
	size_t n = 0;

	snprintf(open, sizeof open, "<%s>", name);
	snprintf(shut, sizeof shut, "</%s>", name);
	from = strstr(*at, open);
	to = from != NULL ? strstr(from, shut) : NULL;
	if (to == NULL)
		return false;
	*at = to + strlen(shut);
	for (from += strlen(open); from < to && n + 1 < size; n++)
		from += entity_read(from, &out[n]);
	out[n] = '\0';
	return from == to;
}
