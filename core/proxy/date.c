/* SPDX-License-Identifier: MIT */
/* The Date field; see date.h. */
#include "proxy/date.h"

bool date_add(struct date *d, struct buf *out)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != d->second) {
		gmtime_r(&now, &tm);
		strftime(d->line, sizeof d->line, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
		d->second = now;
	}
	return buf_add_text(out, d->line);
}
