/* SPDX-License-Identifier: MIT */
/* Which backups of one user stay.  Pure. */
#ifndef T3OPS_PLUGINS_BACKUP_RETENTION_H
#define T3OPS_PLUGINS_BACKUP_RETENTION_H

#include <stddef.h>

#include "manifest.h"

/* For each reason by itself: so many of the newest, and of so many days, weeks and months that have backups (UTC;
 * a week begins on Monday) the newest one.  0: none by that rule. */
struct retention {
	long long last, daily, weekly, monthly;
	long long budget_bytes; /* of all that stay; 0: no limit */
};

enum retention_fate {
	RETENTION_STAYS,
	RETENTION_GOES,   /* no rule keeps it */
	RETENTION_BUDGET, /* a rule would keep it, and there is no room for it */
};

/* Writes the fate of each row of the manifest (newest first) to fates.  Whatever the rules and the budget say, the
 * newest good one stays, the one that was just made (its file; "": none), and every pinned one.  Those that are more
 * than a day later than now_s are of a clock that was wrong: the oldest of all.  Returns how many bytes stay. */
long long retention_decide(const struct manifest *m, const struct retention *r, const char *made, long long now_s,
                           enum retention_fate *fates);

#endif
