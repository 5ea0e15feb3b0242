/* SPDX-License-Identifier: MIT */
/* Which backups stay: a table of manifests and rules. */
#include "backup/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define S BACKUP_SCHEDULED
#define M BACKUP_MANUAL

/* A backup: when ("2026-11-27 03:30"), why, how large, and whether it is pinned (p), damaged (d), just made (!);
 * stays: what must become of it (1), or not (0). */
struct want {
	const char *at;
	enum backup_reason reason;
	long long bytes;
	const char *marks;
	bool stays;
};

static const struct {
	const char *what, *now;
	struct retention rules;
	struct want rows[12]; /* newest first */
} cases[] = {
    {"nothing", "2026-11-27 12:00", {.last = 3}, {{0}}},
    {"the newest of each kind",
     "2026-11-27 12:00",
     {.last = 2},
     {{"2026-11-27 03:30", S, 1, "!", true},
      {"2026-11-26 15:00", M, 1, "", true},
      {"2026-11-26 14:00", M, 1, "", true},
      {"2026-11-26 13:00", M, 1, "", false},
      {"2026-11-26 03:30", S, 1, "", true},
      {"2026-11-25 03:30", S, 1, "", false}}},
    {"the clock went back for years: it costs no day and no month",
     "2020-01-01 00:10",
     {.last = 1, .daily = 2, .monthly = 3},
     {{"2026-11-27 11:00", S, 1, "", true},
      {"2026-11-26 11:00", S, 1, "", true},
      {"2026-11-25 11:00", S, 1, "", false},
      {"2026-10-31 11:00", S, 1, "", true},
      {"2026-09-30 11:00", S, 1, "", true},
      {"2020-01-01 00:05", S, 1, "", false},
      {"2020-01-01 00:10", S, 1, "!", true}}},
    {"the clock was ahead twice, and all others are gone: they go with the next ones",
     "2026-11-28 03:30",
     {.last = 2},
     {{"2030-01-01 03:30", S, 1, "", false},
      {"2026-11-28 03:30", S, 1, "!", true},
      {"2026-11-27 03:30", S, 1, "", true}}},
    {"a pinned one stays and takes no place",
     "2026-11-27 12:00",
     {.last = 1},
     {{"2026-11-27 03:30", S, 1, "!", true},
      {"2026-11-26 03:30", S, 1, "", false},
      {"2026-11-25 03:30", S, 1, "p", true}}},
    {"a damaged one is no backup",
     "2026-11-27 12:00",
     {.last = 1},
     {{"2026-11-27 03:30", S, 1, "d", false}, {"2026-11-26 03:30", S, 1, "", true}}},
    {"days, weeks, months",
     "2026-11-27 12:00",
     {.last = 1, .daily = 2, .weekly = 2, .monthly = 3},
     {{"2026-11-27 11:00", S, 1, "!", true},
      {"2026-11-27 05:00", S, 1, "", false},
      {"2026-11-26 23:59", S, 1, "", true},  /* the second day */
      {"2026-11-23 00:00", S, 1, "", false}, /* this week's Monday: the week has a newer one */
      {"2026-11-22 23:59", S, 1, "", true},  /* last week */
      {"2026-11-16 00:00", S, 1, "", false},
      {"2026-10-31 23:59", S, 1, "", true}, /* last month */
      {"2026-10-01 00:00", S, 1, "", false},
      {"2026-09-01 00:00", S, 1, "", true},
      {"2026-08-31 00:00", S, 1, "", false}}},
    {"a rule counts periods with backups, not the calendar's",
     "2026-11-27 12:00",
     {.daily = 2},
     {{"2026-11-27 03:30", S, 1, "!", true},
      {"2026-10-01 03:30", S, 1, "", true},
      {"2026-09-01 03:30", S, 1, "", false}}},
    {"the budget takes the oldest, never the newest or a pinned one",
     "2026-11-27 12:00",
     {.last = 9, .budget_bytes = 25},
     {{"2026-11-27 03:30", S, 10, "!", true},
      {"2026-11-26 03:30", S, 10, "", false},
      {"2026-11-25 03:30", S, 10, "", false},
      {"2026-11-24 03:30", S, 10, "p", true}}},
    {"a budget below one backup",
     "2026-11-27 12:00",
     {.last = 9, .budget_bytes = 1},
     {{"2026-11-27 03:30", S, 10, "!", true}, {"2026-11-26 03:30", S, 10, "", false}}},
    {"no rule at all keeps the newest good one",
     "2026-11-27 12:00",
     {0},
     {{"2026-11-26 03:30", S, 1, "d", false}, {"2026-11-25 03:30", S, 1, "", true}}},
    {"those of a clock that was ahead are the oldest",
     "2026-11-27 12:00",
     {.last = 2},
     {{"2999-01-02 00:00", S, 1, "", false},
      {"2999-01-01 00:00", S, 1, "", false},
      {"2026-11-27 03:30", S, 1, "!", true},
      {"2026-11-26 03:30", S, 1, "", true}}},
    {"they fill what is left",
     "2026-11-27 12:00",
     {.last = 2},
     {{"2999-01-02 00:00", S, 1, "", true},
      {"2999-01-01 00:00", S, 1, "", false},
      {"2026-11-27 03:30", S, 1, "!", true}}},
    {"a clock that jumped back an hour: what was just made stays",
     "2026-11-27 12:00",
     {.last = 1},
     {{"2026-11-27 13:00", S, 1, "", true}, /* the newest by its time stays */
      {"2026-11-27 12:00", S, 1, "!", true},
      {"2026-11-27 11:00", S, 1, "", false}}},
    {"what was just made is one of the last, also behind others",
     "2026-11-27 12:00",
     {.last = 2},
     {{"2026-11-27 12:02", M, 1, "", true},
      {"2026-11-27 12:01", M, 1, "", false},
      {"2026-11-27 12:00", M, 1, "!", true}}},
    {"a clock that jumped to 1970: the real ones fill the rest",
     "1970-01-02 00:00",
     {.last = 2},
     {{"2026-11-27 03:30", S, 1, "", true},
      {"2026-11-26 03:30", S, 1, "", false},
      {"1970-01-02 00:00", S, 1, "!", true}}},
    {"the budget takes those of the future first",
     "2026-11-27 12:00",
     {.last = 4, .budget_bytes = 20},
     {{"2999-01-02 00:00", S, 10, "", false},
      {"2026-11-27 03:30", S, 10, "!", true},
      {"2026-11-26 03:30", S, 10, "", true}}},
};

static long long seconds(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm);
}

static void test_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct want *want = cases[i].rows;
		struct backup_row rows[12] = {0};
		struct manifest m = {.rows = rows};
		enum retention_fate fates[12];
		const char *made = "";
		long long bytes = 0;

		for (; want[m.n].at != NULL; m.n++) {
			struct backup_row *row = &rows[m.n];

			snprintf(row->file, sizeof row->file, "%zu", m.n);
			row->at_s = seconds(want[m.n].at);
			row->reason = want[m.n].reason;
			row->bytes = want[m.n].bytes;
			row->pinned = strchr(want[m.n].marks, 'p') != NULL;
			row->damaged = strchr(want[m.n].marks, 'd') != NULL;
			if (strchr(want[m.n].marks, '!') != NULL)
				made = row->file;
			bytes += want[m.n].stays ? row->bytes : 0;
		}
		assert_int_equal(retention_decide(&m, &cases[i].rules, made, seconds(cases[i].now), fates), bytes);
		for (size_t k = 0; k < m.n; k++)
			if ((fates[k] == RETENTION_STAYS) != want[k].stays)
				fail_msg("%s: %s %s", cases[i].what, want[k].at, want[k].stays ? "goes" : "stays");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_decide)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
