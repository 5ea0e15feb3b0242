/* SPDX-License-Identifier: MIT */
/* /status as a person's browser shows it, from the same JSON that programs get.  Monitor process; pure. */
#ifndef T3OPS_MONITOR_STATUS_PAGE_H
#define T3OPS_MONITOR_STATUS_PAGE_H

#include <jansson.h>
#include <stddef.h>

/* status: of status_json.  The caller frees it; NULL without memory. */
char *status_html(const json_t *status, size_t *len);

#endif
