/* SPDX-License-Identifier: MIT */
/* Statuses as a configuration names them; see status_list.h. */
#include "probe_http/status_list.h"

#include <stdlib.h>
#include <string.h>

bool status_is_pattern(const char *pattern)
{
	if (strlen(pattern) != 3 || pattern[0] < '1' || pattern[0] > '5')
		return false;
	return strcmp(pattern + 1, "xx") == 0 || strspn(pattern, "0123456789") == 3;
}

bool status_fits(int status, const char *pattern)
{
	if (pattern[1] == 'x')
		return status / 100 == pattern[0] - '0';
	return status == atoi(pattern);
}
