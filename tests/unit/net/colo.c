/* SPDX-License-Identifier: MIT */
/* Locations in CF-Ray: three capital letters behind the dash, and nothing else. */
#include "net/colo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void rays(void **state)
{
	static const struct {
		const char *ray, *want;
	} rows[] = {
	    {"8a1b2c3d4e5f6a7b-FRA", "FRA"},
	    {"-CDG", "CDG"},
	    {"8a1b2c3d4e5f6a7b", ""},
	    {"8a1b2c3d4e5f6a7b-", ""},
	    {"8a1b2c3d4e5f6a7b-FR", ""},
	    {"8a1b2c3d4e5f6a7b-FRAN", ""},
	    {"8a1b2c3d4e5f6a7b-fra", ""},
	    {"8a1b2c3d4e5f6a7b-F)A", ""},
	    {"FRA", ""},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char colo[COLO_SIZE];

		colo_read(rows[i].ray, strlen(rows[i].ray), colo);
		assert_string_equal(colo, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rays)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
