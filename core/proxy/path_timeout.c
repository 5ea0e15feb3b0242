/* SPDX-License-Identifier: MIT */
/* Time limits of paths; see path_timeout.h. */
#include "proxy/path_timeout.h"

#include <stdlib.h>

#include "options/parse.h"

bool path_timeouts_add(struct path_timeouts *t, const char *text)
{
	const char *equals = strrchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;
	int64_t limit_us;

	if (len == 0 || text[0] != '/' || (len > 1 && text[len - 1] == '/') || strpbrk(text, "?# ") ||
	    !duration_parse(equals + 1, &limit_us) || limit_us < 1000)
		return false;
	t->rows = reallocarray(t->rows, t->n + 1, sizeof *t->rows);
	if (!t->rows)
		abort(); /* at the start of a process */
	t->rows[t->n++] = (struct path_timeout){{text, len}, (uint64_t)limit_us};
	return true;
}

void path_timeouts_fini(struct path_timeouts *t)
{
	free(t->rows);
	*t = (struct path_timeouts){0};
}

static bool is_below(struct span path, struct span prefix)
{
	return path.len >= prefix.len && memcmp(path.at, prefix.at, prefix.len) == 0 &&
	       (path.len == prefix.len || prefix.len == 1 || path.at[prefix.len] == '/');
}

uint64_t path_timeout_find(const struct path_timeouts *t, struct span path)
{
	const struct path_timeout *found = NULL;

	for (size_t i = 0; i < t->n; i++)
		if (is_below(path, t->rows[i].path) && (!found || t->rows[i].path.len > found->path.len))
			found = &t->rows[i];
	return found ? found->limit_us : 0;
}
