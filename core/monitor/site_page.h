/* SPDX-License-Identifier: MIT */
/* The whole page, of what was gathered.  Pure. */
#ifndef T3OPS_MONITOR_SITE_PAGE_H
#define T3OPS_MONITOR_SITE_PAGE_H

#include "monitor/site_data.h"

/* The caller frees it; NULL without memory. */
char *site_page(const struct site_data *s, size_t *len);

#endif
