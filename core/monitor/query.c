/* SPDX-License-Identifier: MIT */
/* Queries; see query.h. */
#include "monitor/query.h"

#include <stdlib.h>
#include <string.h>

static const char *value_find(const char *query, const char *name)
{
	size_t len = strlen(name);

	while (query != NULL && *query != '\0') {
		if (strncmp(query, name, len) == 0 && query[len] == '=')
			return query + len + 1;
		query = strchr(query, '&');
		query += query != NULL;
	}
	return NULL;
}

void query_text(const char *query, const char *name, char *out, size_t size)
{
	const char *value = value_find(query, name);
	size_t len = value != NULL ? strcspn(value, "&") : 0;

	if (len >= size)
		len = 0;
	if (len > 0)
		memcpy(out, value, len);
	out[len] = '\0';
}

unsigned long long query_number(const char *query, const char *name, unsigned long long fallback)
{
	const char *value = value_find(query, name);

	return value != NULL ? strtoull(value, NULL, 10) : fallback;
}
