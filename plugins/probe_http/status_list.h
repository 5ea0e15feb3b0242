/* SPDX-License-Identifier: MIT */
/* Statuses as a configuration names them: "200", or "2xx" for a class.  Pure. */
#ifndef T3OPS_PLUGINS_PROBE_HTTP_STATUS_LIST_H
#define T3OPS_PLUGINS_PROBE_HTTP_STATUS_LIST_H

#include <stdbool.h>

bool status_is_pattern(const char *pattern);
bool status_fits(int status, const char *pattern);

#endif
