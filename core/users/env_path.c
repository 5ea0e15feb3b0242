/* SPDX-License-Identifier: MIT */
/* See env_path.h. */
#include "users/env_path.h"

#include <stdio.h>
#include <string.h>

bool env_path_make(const char *pattern, const char *os_user, char *out, size_t size)
{
	const char *mark = strstr(pattern, "%u");
	int n = mark ? snprintf(out, size, "%.*s%s%s", (int)(mark - pattern), pattern, os_user, mark + 2)
	             : snprintf(out, size, "%s", pattern);

	return n > 0 && (size_t)n < size;
}
