/* SPDX-License-Identifier: MIT */
/* Schedules: tables of "now" and the next run, across both changes of the clock; and how runs end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "jobs/job_result.h"
#include "jobs/schedule.h"

#define BERLIN    "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK  "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" /* half an hour */
#define KOLKATA   "IST-5:30"
#define DUBLIN    "IST-1GMT0,M10.5.0,M3.5.0/1" /* daylight saving time in winter */

struct daily {
	const char *zone, *at, *now, *next; /* now and next in UTC */
};

static const struct daily days[] = {
    {"UTC", "03:30", "2026-11-23 03:29:59", "2026-11-23 03:30:00"},
    {"UTC", "03:30", "2026-11-23 03:30:00", "2026-11-24 03:30:00"},
    {"UTC", "00:00", "2026-12-31 12:00:00", "2027-01-01 00:00:00"},
    {"UTC", "23:59", "2028-02-28 23:59:30", "2028-02-29 23:59:00"},
    {KOLKATA, "03:30", "2026-11-23 00:00:00", "2026-11-23 22:00:00"},
    {BERLIN, "03:30", "2026-11-23 00:00:00", "2026-11-23 02:30:00"},
    {BERLIN, "03:30", "2026-07-01 00:00:00", "2026-07-01 01:30:00"},
    /* 2026-03-29: 02:00 becomes 03:00, so 02:30 is not there and 03:30 stands for it */
    {BERLIN, "02:30", "2026-03-28 12:00:00", "2026-03-29 01:30:00"},
    {BERLIN, "02:30", "2026-03-29 01:30:00", "2026-03-30 00:30:00"},
    {BERLIN, "03:30", "2026-03-28 12:00:00", "2026-03-29 01:30:00"},
    /* 2026-10-25: 03:00 becomes 02:00, so 02:30 comes at 00:30Z and again at 01:30Z */
    {BERLIN, "02:30", "2026-10-24 12:00:00", "2026-10-25 00:30:00"},
    {BERLIN, "02:30", "2026-10-25 00:30:00", "2026-10-26 01:30:00"},
    {BERLIN, "02:30", "2026-10-25 01:00:00", "2026-10-26 01:30:00"},
    {BERLIN, "03:30", "2026-10-25 00:30:00", "2026-10-25 02:30:00"},
    {NEW_YORK, "02:30", "2026-03-08 00:00:00", "2026-03-08 07:30:00"},
    {NEW_YORK, "01:30", "2026-10-31 12:00:00", "2026-11-01 05:30:00"},
    {NEW_YORK, "01:30", "2026-11-01 05:30:00", "2026-11-02 06:30:00"},
    {LORD_HOWE, "01:45", "2026-04-04 12:00:00", "2026-04-04 14:45:00"},
    {LORD_HOWE, "01:45", "2026-04-04 14:45:00", "2026-04-05 15:15:00"},
    {LORD_HOWE, "02:15", "2026-10-03 12:00:00", "2026-10-03 15:45:00"},
    {DUBLIN, "01:30", "2026-03-28 12:00:00", "2026-03-29 01:30:00"},
    {DUBLIN, "01:30", "2026-03-29 01:30:00", "2026-03-30 00:30:00"},
};

static void zone_set(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static uint64_t utc_us(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return (uint64_t)timegm(&tm) * 1000000;
}

static int minutes_of(const char *at)
{
	return ((at[0] - '0') * 10 + at[1] - '0') * 60 + (at[3] - '0') * 10 + at[4] - '0';
}

static void test_daily(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
		const struct daily *d = &days[i];
		struct schedule s = {.at_minutes = minutes_of(d->at)};
		uint64_t got;

		zone_set(d->zone);
		got = schedule_next(&s, utc_us(d->now));
		if (got != utc_us(d->next)) {
			time_t t = (time_t)(got / 1000000);

			fail_msg("%s at %s after %s: got %s", d->zone, d->at, d->now, asctime(gmtime(&t)));
		}
	}
}

/* Whatever the zone and the time: one run for each local day, for two years. */
static void test_every_day_once(void **state)
{
	static const char *const zones[] = {"UTC", BERLIN, NEW_YORK, LORD_HOWE, KOLKATA, DUBLIN};

	(void)state;
	for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++)
		for (int at = 0; at < 24 * 60; at += 15) {
			struct schedule s = {.at_minutes = at};
			uint64_t t;
			int last_day = -1;

			zone_set(zones[z]);
			t = schedule_next(&s, utc_us("2026-01-02 12:00:00"));
			for (int n = 0; n < 730; n++) {
				time_t seconds = (time_t)(t / 1000000);
				uint64_t next = schedule_next(&s, t);
				struct tm tm;

				localtime_r(&seconds, &tm);
				if (last_day >= 0 && tm.tm_yday != last_day + 1 && tm.tm_yday != 0)
					fail_msg("%s at %d: day %d after day %d", zones[z], at, tm.tm_yday, last_day);
				assert_true(next > t);
				last_day = tm.tm_yday;
				t = next;
			}
		}
}

static void test_interval(void **state)
{
	static const struct {
		uint64_t every, offset, after, next;
	} cases[] = {
	    {10, 0, 0, 10},
	    {10, 0, 9, 10},
	    {10, 0, 10, 20},
	    {10, 3, 10, 13},
	    {10, 3, 13, 23},
	    {10, 3, 1, 13},
	    {6 * UINT64_C(3600000000), 0, UINT64_C(1800000000000000), UINT64_C(1800014400000000)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct schedule s = {.at_minutes = -1, .every_us = cases[i].every, .offset_us = cases[i].offset};

		assert_int_equal(schedule_next(&s, cases[i].after), cases[i].next);
	}
}

static void test_never(void **state)
{
	struct schedule s = {.at_minutes = -1};

	(void)state;
	assert_true(schedule_next(&s, 1) == SCHEDULE_NEVER);
}

static void test_offset(void **state)
{
	struct schedule s = {.at_minutes = 210, .offset_us = schedule_offset(600000000, "a/backup")};

	(void)state;
	zone_set("UTC");
	assert_int_equal(schedule_offset(0, "a/backup"), 0);
	assert_int_equal(schedule_offset(1000, "a/backup"), schedule_offset(1000, "a/backup"));
	assert_int_not_equal(schedule_offset(1u << 30, "a/backup"), schedule_offset(1u << 30, "b/backup"));
	assert_true(s.offset_us < 600000000);
	assert_int_equal(schedule_next(&s, utc_us("2026-11-23 00:00:00")),
	                 utc_us("2026-11-23 03:30:00") + s.offset_us);
	assert_int_equal(schedule_next(&s, utc_us("2026-11-23 03:30:00") + s.offset_us),
	                 utc_us("2026-11-24 03:30:00") + s.offset_us);
}

struct ending {
	int error, exit_code;
	const char *out, *outcome, *text;
};

static const struct ending endings[] = {
    {0, 0, "{\"result\":0,\"facts\":{\"file\":\"x y\",\"bytes\":\"12\"}}\n", "ok", "file=\"x y\" bytes=12"},
    {0, 0, "{\"result\":0}", "ok", ""},
    {0, 1, "{\"result\":-5,\"facts\":{\"error\":\"disk full\"}}", "failed", "disk full"},
    {0, 1, "{\"result\":-28,\"facts\":{}}", "failed", "No space left on device"},
    {0, 1, "{\"result\":-110,\"facts\":{\"error\":\"too slow\"}}", "late", "too slow"},
    {0, 139, "", "crashed", "its process was ended by signal 11"},
    {0, 134, "{\"result\":0}", "crashed", "ended by signal 6"},
    {0, 127, "nonsense", "crashed", "exit code 127"},
    {0, 0, "[]", "crashed", "exit code 0"},
    {-ETIMEDOUT, 137, "", "late", "not finished within its deadline of 60 s and killed"},
    {-E2BIG, 137, "", "failed", "wrote more"},
    {-ENOENT, 0, "to = \"/no\": No such file or directory; create it", "not_started", "to = \"/no\": No such"},
    {-EPERM, 0, "", "not_started", "Operation not permitted"},
    {-EPERM, 0, "nothing is started as root", "not_started", "nothing is started as root"},
};

static void test_endings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		const struct ending *e = &endings[i];
		struct msg_ran ran = {.error = e->error, .exit_code = e->exit_code};
		struct job_result r;

		job_result_read(&r, &ran, e->out, strlen(e->out), 60000000);
		assert_string_equal(r.outcome, e->outcome);
		if (!strstr(r.text, e->text))
			fail_msg("\"%s\" lacks \"%s\"", r.text, e->text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_daily), cmocka_unit_test(test_every_day_once), cmocka_unit_test(test_interval),
	    cmocka_unit_test(test_never), cmocka_unit_test(test_offset),         cmocka_unit_test(test_endings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
