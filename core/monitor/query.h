/* SPDX-License-Identifier: MIT */
/* Values of a URL's query.  Pure. */
#ifndef T3OPS_MONITOR_QUERY_H
#define T3OPS_MONITOR_QUERY_H

#include <stddef.h>

/* The text behind "name=", as it stands, in out; "" if there is none or it is too long.  query may be NULL. */
void query_text(const char *query, const char *name, char *out, size_t size);
/* The number behind it; fallback if there is none. */
unsigned long long query_number(const char *query, const char *name, unsigned long long fallback);

#endif
