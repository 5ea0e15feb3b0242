/* SPDX-License-Identifier: MIT */
/* Grandfather, father, son, and a budget; see retention.h. */
#include "retention.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define DAY_S      86400
#define CREDIBLE_S DAY_S /* what is later than that in the future is of a clock that was wrong */

/* What the rows of one rule are counted by: each has one number of day, week or month. */
enum period { PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH };

static long long period_of(long long at_s, enum period period)
{
	time_t at = (time_t)at_s;
	struct tm tm;

	switch (period) {
	case PERIOD_DAY:
		return at_s / DAY_S;
	case PERIOD_WEEK:
		return (at_s / DAY_S + 3) / 7; /* 1970 began on a Thursday */
	default:
		gmtime_r(&at, &tm);
		return tm.tm_year * 12LL + tm.tm_mon;
	}
}

static bool is_credible(const struct backup_row *row, long long now_s)
{
	return row->at_s <= now_s + CREDIBLE_S;
}

/* The one that was just made is the newest of its reason, whatever the clock says. */
static bool is_made(const struct manifest *m, size_t i, const char *made)
{
	return strcmp(m->rows[i].file, made) == 0;
}

/* The newest `count` of a reason that are of a clock that may be right; how many of the count are left. */
static long long last_apply(const struct manifest *m, enum backup_reason reason, long long count, const char *made,
                            long long now_s, enum retention_fate *fates)
{
	for (size_t i = 0; i < m->n; i++)
		count -= m->rows[i].reason == reason && is_made(m, i, made);
	for (size_t i = 0; i < m->n && count > 0; i++)
		if (m->rows[i].reason == reason && !m->rows[i].damaged && is_credible(&m->rows[i], now_s) &&
		    !is_made(m, i, made)) {
			fates[i] = RETENTION_STAYS;
			count--;
		}
	return count;
}

/* Keeps the newest of each of `count` periods. */
static void rule_apply(const struct manifest *m, enum backup_reason reason, enum period period, long long count,
                       long long now_s, enum retention_fate *fates)
{
	long long before = INT64_MIN;

	for (size_t i = 0; i < m->n && count > 0; i++) {
		const struct backup_row *row = &m->rows[i];
		long long mine = period_of(row->at_s, period);

		if (row->reason != reason || row->damaged || !is_credible(row, now_s))
			continue;
		if (mine == before)
			continue;
		before = mine;
		fates[i] = RETENTION_STAYS;
		count--;
	}
}

/* Of a clock that was wrong: the newest of them fill what is left of a count. */
static void rest_apply(const struct manifest *m, enum backup_reason reason, long long count, long long now_s,
                       enum retention_fate *fates)
{
	for (size_t i = 0; i < m->n && count > 0; i++)
		if (m->rows[i].reason == reason && !is_credible(&m->rows[i], now_s) && !m->rows[i].damaged) {
			fates[i] = RETENTION_STAYS;
			count--;
		}
}

/* The newest good one, SIZE_MAX: there is none. */
static size_t newest_good(const struct manifest *m, long long now_s)
{
	size_t found = SIZE_MAX;

	for (size_t i = m->n; i-- > 0;)
		if (backup_is_good(&m->rows[i]) && (found == SIZE_MAX || is_credible(&m->rows[i], now_s)))
			found = i;
	return found;
}

/* What stays whatever the rules say. */
static bool is_fixed(const struct manifest *m, size_t i, const char *made, long long now_s)
{
	return m->rows[i].pinned || is_made(m, i, made) || i == newest_good(m, now_s);
}

static long long bytes_staying(const struct manifest *m, const enum retention_fate *fates)
{
	long long sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += fates[i] == RETENTION_STAYS ? backup_row_bytes(&m->rows[i]) : 0;
	return sum;
}

/* The oldest go first until the budget is met; those later than now are older than all. */
static void budget_apply(const struct manifest *m, long long budget, const char *made, long long now_s,
                         enum retention_fate *fates)
{
	long long sum = bytes_staying(m, fates);

	for (int credible = 0; credible <= 1; credible++)
		for (size_t i = m->n; i-- > 0 && sum > budget;) {
			if (is_credible(&m->rows[i], now_s) != credible || is_fixed(m, i, made, now_s) ||
			    fates[i] != RETENTION_STAYS)
				continue;
			fates[i] = RETENTION_BUDGET;
			sum -= backup_row_bytes(&m->rows[i]);
		}
}

/* A clock that most backups are in the future of is wrong itself, and must cost none of them: the newest one's time
 * then. */
static long long now_credible(const struct manifest *m, long long now_s)
{
	size_t future = 0;

	for (size_t i = 0; i < m->n; i++)
		future += !is_credible(&m->rows[i], now_s);
	return future > m->n - future ? m->rows[0].at_s : now_s;
}

long long retention_decide(const struct manifest *m, const struct retention *r, const char *made, long long now_s,
                           enum retention_fate *fates)
{
	now_s = now_credible(m, now_s);
	for (size_t i = 0; i < m->n; i++)
		fates[i] = is_fixed(m, i, made, now_s) ? RETENTION_STAYS : RETENTION_GOES;
	for (int reason = 0; reason < BACKUP_REASONS; reason++) {
		long long left = last_apply(m, reason, r->last, made, now_s, fates);

		rest_apply(m, reason, left, now_s, fates);
		rule_apply(m, reason, PERIOD_DAY, r->daily, now_s, fates);
		rule_apply(m, reason, PERIOD_WEEK, r->weekly, now_s, fates);
		rule_apply(m, reason, PERIOD_MONTH, r->monthly, now_s, fates);
	}
	if (r->budget_bytes > 0)
		budget_apply(m, r->budget_bytes, made, now_s, fates);
	return bytes_staying(m, fates);
}
