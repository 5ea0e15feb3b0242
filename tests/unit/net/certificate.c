/* SPDX-License-Identifier: MIT */
/* Whose clock is wrong where a certificate is refused for its dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/certificate.h"

#define DAY UINT64_C(86400000000)
#define NOW UINT64_C(1800000000000000)

static void test_clocks(void **state)
{
	static const struct {
		const char *what;
		struct certificate_span shown;
		uint64_t here_us, there_us;
		bool clock;
	} rows[] = {
	    {"it expired, for the server as well", {NOW - 90 * DAY, NOW - DAY}, NOW, NOW, false},
	    {"it expired, for us alone", {NOW - 30 * DAY, NOW + 60 * DAY}, NOW + 3650 * DAY, NOW, true},
	    {"it is not valid yet, for us alone", {NOW - 30 * DAY, NOW + 60 * DAY}, NOW - 365 * DAY, NOW, true},
	    {"it is not valid yet, for the server as well", {NOW + DAY, NOW + 60 * DAY}, NOW, NOW + 1000, false},
	    {"it expired, however wrong our clock is", {NOW - 90 * DAY, NOW - DAY}, NOW + 3650 * DAY, NOW, false},
	    {"it expired, and the server does not say what time it is", {NOW - 90 * DAY, NOW - DAY}, NOW, 0, true},
	    {"what is shown is valid: it is the root that is not", {NOW - DAY, NOW + DAY}, NOW, NOW, true},
	    {"nothing was shown any more", {0, 0}, NOW, NOW, true},
	    {"the last moment is over", {NOW - DAY, NOW}, NOW, NOW, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (certificate_blames_clock(&rows[i].shown, rows[i].here_us, rows[i].there_us) != rows[i].clock)
			fail_msg("%s", rows[i].what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_clocks)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
