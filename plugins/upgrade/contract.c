/* SPDX-License-Identifier: MIT */
/* See contract.h. */
#include "contract.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *facts, const char *key)
{
	const char *text = json_string_value(json_object_get(facts, key));

	return text != NULL ? text : "nothing";
}

void contract_compare(const json_t *before, const json_t *after, char *out, size_t size)
{
	static const struct {
		const char *key, *words;
	} rows[] = {{"endpoint", "pairing endpoint"},       {"status", "its status"},
	            {"cookie", "session cookie's name"},    {"attributes", "its attributes"},
	            {"keys", "keys of the session's JSON"}, {"heartbeat", "first heartbeat"}};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && used < size; i++) {
		const char *was = text_of(before, rows[i].key), *is = text_of(after, rows[i].key);

		if (strcmp(was, is) != 0)
			used += (size_t)snprintf(out + used, size - used, "%s%s was %s, is %s", used > 0 ? "; " : "",
			                         rows[i].words, was, is);
	}
}
