/* SPDX-License-Identifier: MIT */
/* Moments as text; see time_text.h. */
#include "sys/time_text.h"

#include <stdio.h>
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
