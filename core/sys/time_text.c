/* SPDX-License-Identifier: MIT */
/* Moments as text; see time_text.h. */
#include "sys/time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_10000 UINT64_C(253402300800)

void time_text(uint64_t wall_us, char out[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	size_t n;

	out[0] = '\0';
	if (wall_us / 1000000 >= YEAR_10000 || !gmtime_r(&seconds, &tm))
		return;
	n = strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIME_TEXT_SIZE - n, ".%03uZ", (unsigned)(wall_us / 1000 % 1000));
}

bool time_text_read(const char *text, uint64_t *wall_us)
{
	struct tm tm = {.tm_isdst = 0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	unsigned millis = 0;
	int used = 0;

	if (rest == NULL || (*rest == '.' && (sscanf(rest, ".%3u%n", &millis, &used) != 1 || used != 4)) ||
	    strcmp(rest + used, "Z") != 0)
		return false;
	*wall_us = (uint64_t)timegm(&tm) * 1000000 + millis * 1000;
	return true;
}
