/* SPDX-License-Identifier: MIT */
/* Local time; see local_time.h. */
#include "ctl/local_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sys/time_text.h"

#define DAY_S 86400

void local_time_utc(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

/* Of a moment of the daemon; its milliseconds in *millis. */
static bool local_of(const char *utc, struct tm *out, unsigned *millis)
{
	uint64_t wall_us;
	time_t seconds;

	if (!time_text_read(utc, &wall_us))
		return false;
	seconds = (time_t)(wall_us / 1000000);
	*millis = (unsigned)(wall_us / 1000 % 1000);
	return localtime_r(&seconds, out) != NULL;
}

void local_time(const char *utc, char out[LOCAL_TIME_SIZE])
{
	struct tm tm;
	unsigned millis;

	if (!local_of(utc, &tm, &millis) || strftime(out, LOCAL_TIME_SIZE, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		snprintf(out, LOCAL_TIME_SIZE, "%s", utc);
}

void local_time_exact(const char *utc, char out[LOCAL_TIME_SIZE])
{
	char date[32], zone[16];
	struct tm tm;
	unsigned millis;

	if (local_of(utc, &tm, &millis) && strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm) > 0 &&
	    strftime(zone, sizeof zone, "%Z", &tm) > 0)
		snprintf(out, LOCAL_TIME_SIZE, "%s.%03u %s", date, millis, zone);
	else
		snprintf(out, LOCAL_TIME_SIZE, "%s", utc);
}

void local_time_bare(const char *utc, char out[LOCAL_TIME_SIZE])
{
	struct tm tm;
	unsigned millis;

	if (!local_of(utc, &tm, &millis) || strftime(out, LOCAL_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, LOCAL_TIME_SIZE, "%s", utc);
}

void local_clock(const char *utc, char out[LOCAL_TIME_SIZE])
{
	struct tm tm;
	unsigned millis;

	if (local_of(utc, &tm, &millis))
		snprintf(out, LOCAL_TIME_SIZE, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec, millis);
	else
		snprintf(out, LOCAL_TIME_SIZE, "%s", utc);
}

void local_zone(const char *utc, char out[LOCAL_TIME_SIZE])
{
	time_t now = time(NULL);
	struct tm tm;
	unsigned millis;

	if (!local_of(utc, &tm, &millis) && localtime_r(&now, &tm) == NULL)
		tm = (struct tm){.tm_isdst = 0};
	if (strftime(out, LOCAL_TIME_SIZE, "%Z", &tm) == 0)
		out[0] = '\0';
}

/* ---- what somebody typed ---------------------------------------------------------------------- */

static bool ago_read(const char *text, uint64_t *wall_us)
{
	static const char units[] = "smhd";
	static const long seconds[] = {1, 60, 3600, DAY_S};
	char *end;
	long n = strtol(text, &end, 10);
	const char *unit = *end != '\0' && end[1] == '\0' ? strchr(units, *end) : NULL;
	long now = (long)time(NULL);

	if (end == text || unit == NULL || n < 0 || n > now / seconds[unit - units])
		return false;
	*wall_us = (uint64_t)(now - n * seconds[unit - units]) * 1000000;
	return true;
}

/* The whole text, with or without seconds; a Z behind it: *utc. */
static bool matches(const char *text, const char *form, struct tm *tm, bool *utc)
{
	const char *rest = strptime(text, form, tm);

	if (rest != NULL && *rest == ':')
		rest = strptime(rest, ":%S", tm);
	*utc = rest != NULL && *rest == 'Z';
	return rest != NULL && rest[*utc] == '\0';
}

static bool seconds_give(struct tm *tm, bool utc, uint64_t *wall_us)
{
	time_t t;

	tm->tm_isdst = -1;
	t = utc ? timegm(tm) : mktime(tm);
	*wall_us = (uint64_t)t * 1000000;
	return t >= 0;
}

/* Of today, or of yesterday if it has not come yet. */
static bool clock_read(const char *text, uint64_t *wall_us)
{
	time_t now = time(NULL);
	struct tm tm, today;
	bool utc = strchr(text, 'Z') != NULL;

	if ((utc ? gmtime_r(&now, &today) : localtime_r(&now, &today)) == NULL)
		return false;
	tm = today;
	tm.tm_sec = 0;
	if (!matches(text, "%H:%M", &tm, &utc) || !seconds_give(&tm, utc, wall_us))
		return false;
	if (*wall_us <= (uint64_t)now * 1000000)
		return true;
	tm.tm_mday = today.tm_mday - 1;
	return seconds_give(&tm, utc, wall_us);
}

static bool date_read(const char *text, const char *form, uint64_t *wall_us)
{
	struct tm tm = {.tm_sec = 0};
	bool utc;

	return matches(text, form, &tm, &utc) && seconds_give(&tm, utc, wall_us);
}

bool local_time_read(const char *text, uint64_t *wall_us)
{
	return ago_read(text, wall_us) || clock_read(text, wall_us) || date_read(text, "%Y-%m-%d %H:%M", wall_us) ||
	       date_read(text, "%Y-%m-%dT%H:%M", wall_us) || time_text_read(text, wall_us);
}
