/* SPDX-License-Identifier: MIT */
/* The Date field (RFC 9110 6.6.1), made once a second.  Proxy. */
#ifndef T3OPS_PROXY_DATE_H
#define T3OPS_PROXY_DATE_H

#include <time.h>

#include "sys/buf.h"

/* Zeroed is ready. */
struct date {
	time_t second;
	char line[48]; /* "date: Thu, 26 Nov 2026 00:07:36 GMT\r\n" */
};

/* Adds the whole line; false without memory. */
bool date_add(struct date *d, struct buf *out);

#endif
