/* SPDX-License-Identifier: MIT */
/* When something large was sent: at once, in pieces, over a slow line, and when not. */
#include "net/bursts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MS(n)  (UINT64_C(1000) * (n))
#define START  MS(1000000)
#define PIECES 12

struct piece {
	unsigned at_ms;
	size_t bytes;
};

static const struct {
	const char *what;
	struct piece pieces[PIECES];
	unsigned large_ms; /* 0: never */
} cases[] = {
    {"small ones", {{1, 5000}, {1500, 5000}, {3000, 5000}}, 0},
    {"small ones that make a large one only together", {{1, 20000}, {1500, 20000}}, 0},
    {"one large one", {{1, 100}, {5000, 40000}, {9000, 100}}, 5000},
    {"in pieces", {{5000, 10000}, {5300, 10000}, {5600, 20000}}, 5000},
    {"two large ones, one long after the other: the last one", {{5000, 40000}, {9000, 40000}}, 9000},
    {"one over a slow line", {{5000, 40000}, {5900, 9000}, {6100, 40000}, {7200, 50000}, {8300, 40000}}, 5000},
    {"and another one later", {{5000, 40000}, {6100, 40000}, {7300, 100}, {8500, 40000}}, 8500},
};

static void every_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bursts b = {0};
		uint64_t want = cases[i].large_ms > 0 ? START + MS(cases[i].large_ms) : 0;

		for (size_t k = 0; k < PIECES && cases[i].pieces[k].bytes > 0; k++)
			bursts_add(&b, cases[i].pieces[k].bytes, START + MS(cases[i].pieces[k].at_ms));
		if (b.large_us != want)
			fail_msg("%s: %llu", cases[i].what, (unsigned long long)b.large_us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_case)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
