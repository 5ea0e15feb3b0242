/* SPDX-License-Identifier: MIT */
/* Gaps of clocks between two readings. */
#include "diagnosis/clock_gap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define S(n) (UINT64_C(1000000) * (n))
#define T    S(1800000000)

struct row {
	const char *what;
	struct clock_reading before, now;
	struct clock_gap want;
};

static const struct row rows[] = {
    {"a second passes", {S(10), S(15), T, 1}, {S(11), S(16), T + S(1), 1}, {0, 0}},
    {"the first reading", {0, 0, 0, 0}, {S(11), S(99), T, 1}, {0, 0}},
    {"frozen, not suspended: all clocks went on", {S(10), S(15), T, 1}, {S(70), S(75), T + S(60), 1}, {0, 0}},
    {"suspended for an hour", {S(10), S(15), T, 1}, {S(11), S(3616), T + S(3601), 1}, {S(3600), 0}},
    {"set forward", {S(10), S(15), T, 1}, {S(11), S(16), T + S(61), 1}, {0, (int64_t)S(60)}},
    {"set back", {S(10), S(15), T, 1}, {S(11), S(16), T - S(59), 1}, {0, -(int64_t)S(60)}},
    {"suspended, and set by the network afterwards",
     {S(10), S(15), T, 1},
     {S(11), S(116), T + S(103), 1},
     {S(100), (int64_t)S(2)}},
    {"interrupted while it read", {S(10), S(15), T, 1}, {S(11), S(19), T + S(7), S(3)}, {0, 0}},
    {"the one before was", {S(10), S(15), T, S(3)}, {S(11), S(19), T + S(7), 1}, {0, 0}},
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct clock_gap got = clock_gap_between(&rows[i].before, &rows[i].now);

		if (got.suspended_us != rows[i].want.suspended_us || got.jumped_us != rows[i].want.jumped_us)
			fail_msg("%s: suspended %lld, jumped %lld", rows[i].what, (long long)got.suspended_us,
			         (long long)got.jumped_us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
