/* SPDX-License-Identifier: MIT */
/* Calendar arithmetic of jobs; see schedule.h. */
#include "jobs/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "tbl/hash.h"

#define SECOND_US UINT64_C(1000000)

static int minutes_of(time_t t)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return tm.tm_hour * 60 + tm.tm_min;
}

/* The first of two moments with the same time of day, where the clock is set back. */
static time_t first_of(time_t t, int minutes)
{
	static const time_t set_back[] = {7200, 3600, 1800};

	for (size_t i = 0; i < sizeof set_back / sizeof set_back[0]; i++)
		if (minutes_of(t - set_back[i]) == minutes)
			return t - set_back[i];
	return t;
}

/* The moment of that time of day, `days` days after the local day of t. */
static time_t moment_on(time_t t, int days, int minutes)
{
	struct tm tm;
	time_t moment;
	int got;

	localtime_r(&t, &tm);
	tm.tm_mday += days;
	tm.tm_hour = minutes / 60;
	tm.tm_min = minutes % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	moment = mktime(&tm);
	got = minutes_of(moment);
	if (got == minutes)
		return first_of(moment, minutes);
	/* Skipped by the clock: which side mktime chose differs between zones. */
	return got < minutes ? moment + (minutes - got) * 60 : moment;
}

static uint64_t next_daily(int minutes, uint64_t after_us)
{
	time_t after = (time_t)(after_us / SECOND_US);

	for (int day = 0; day < 4; day++) {
		time_t moment = moment_on(after, day, minutes);

		if (moment > 0 && (uint64_t)moment * SECOND_US > after_us)
			return (uint64_t)moment * SECOND_US;
	}
	return after_us + 86400 * SECOND_US; /* no zone skips four days */
}

uint64_t schedule_next(const struct schedule *s, uint64_t after_us)
{
	uint64_t from = after_us > s->offset_us ? after_us - s->offset_us : 0;

	if (s->at_minutes >= 0)
		return next_daily(s->at_minutes, from) + s->offset_us;
	if (s->every_us > 0)
		return (from / s->every_us + 1) * s->every_us + s->offset_us;
	return SCHEDULE_NEVER;
}

uint64_t schedule_offset(uint64_t jitter_us, const char *seed)
{
	return jitter_us == 0 ? 0 : hash_text(HASH_START, seed) % jitter_us;
}
