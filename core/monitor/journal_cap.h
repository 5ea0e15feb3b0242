/* SPDX-License-Identifier: MIT */
/*
 * How many rows the journal takes of what one user's browser causes: a page that reconnects in a loop would fill the
 * disk, and tells nothing new after the first hundreds.  A user may have CAP_BURST rows at once, and CAP_PER_MINUTE
 * in the long run; all together, whatever names a proxy that went wild invents, CAP_ALL times as much.  Pure, the
 * clock is the caller's.  Monitor process.
 */
#ifndef T3OPS_MONITOR_JOURNAL_CAP_H
#define T3OPS_MONITOR_JOURNAL_CAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define CAP_BURST      300
#define CAP_PER_MINUTE 20
#define CAP_ALL        50
#define CAP_REPORT_US  UINT64_C(60000000) /* what is left out is reported once in this time */
#define CAP_BUCKETS    256

/* Zeroed is empty and valid.  Memory is used for those who had rows lately only. */
struct journal_cap {
	LIST_HEAD(, capped_user) buckets[CAP_BUCKETS];
	size_t n, next;       /* next: the bucket to look for idle users in */
	uint64_t all_full_us; /* as full_us of a user */
};

void journal_cap_fini(struct journal_cap *cap);
/* Whether that user may have one more row; "": nobody in particular.  *user becomes "" if it is because of all
 * together that it may not.  report: how many rows of *user were left out since that was reported last, if it is to
 * be reported now; else 0.  Without memory every row passes. */
bool journal_cap_passes(struct journal_cap *cap, const char **user, uint64_t now_us, uint64_t *report);

#endif
