/* SPDX-License-Identifier: MIT */
/* Durations; see duration_words.h. */
#include "monitor/duration_words.h"

#include <stdio.h>

/* "2 h 3 min"; of the smaller unit nothing if it is 0. */
static void two_units(char *out, long n, long per, const char *big, const char *small)
{
	int len = snprintf(out, DURATION_WORDS_SIZE, "%ld %s", n / per, big);

	if (n % per != 0)
		snprintf(out + len, DURATION_WORDS_SIZE - (size_t)len, " %ld %s", n % per, small);
}

void duration_words(double seconds, char out[DURATION_WORDS_SIZE])
{
	double whole = seconds < 0 ? 0 : seconds > 1e11 ? 1e11 : seconds;
	long s = (long)(whole + 0.5);

	if (whole < 0.1)
		snprintf(out, DURATION_WORDS_SIZE, "%.0f ms", whole * 1000);
	else if (whole < 9.95)
		snprintf(out, DURATION_WORDS_SIZE, "%.1f s", whole);
	else if (s < 60)
		snprintf(out, DURATION_WORDS_SIZE, "%ld s", s);
	else if (s < 3600)
		two_units(out, s, 60, "min", "s");
	else if (s < 86400)
		two_units(out, s / 60, 60, "h", "min");
	else
		two_units(out, s / 3600, 24, "d", "h");
}
