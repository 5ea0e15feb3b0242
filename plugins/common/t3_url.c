/* SPDX-License-Identifier: MIT */
/* See t3_url.h. */
#include "common/t3_url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void t3_url(const char *scheme, const char *host, uint16_t port, const char *path, char *out, size_t size)
{
	bool v6 = strchr(host, ':') != NULL;

	if (port == 0)
		snprintf(out, size, "%s://localhost%s", scheme, path);
	else
		snprintf(out, size, "%s://%s%s%s:%u%s", scheme, v6 ? "[" : "", host, v6 ? "]" : "", port, path);
}
