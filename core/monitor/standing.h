/* SPDX-License-Identifier: MIT */
/* What stands now, as metrics: verdicts, what they suspect, whom they affect, what is slow, and what is walled off.
 * Monitor process. */
#ifndef T3OPS_MONITOR_STANDING_H
#define T3OPS_MONITOR_STANDING_H

#include "diagnosis/slow_paths.h"
#include "diagnosis/verdict_table.h"
#include "monitor/gauge_round.h"

struct standing {
	struct gauge_round verdicts, suspects, affected, slow, walled_off;
};

void standing_init(struct standing *s);
void standing_fini(struct standing *s);
/* A series at 0 for verdicts of a kind that names no segment, and for those that name this one. */
void standing_kind(struct metrics *m, enum verdict_kind kind);
void standing_segment(struct metrics *m, const char *segment);
/* After each verdict's change; 0 or -ENOMEM: some are missing. */
int standing_update(struct standing *s, const struct verdict_table *t, const struct topology *topology,
                    struct metrics *m);
int standing_slow(struct standing *s, const struct slow_report *r, struct metrics *m);
/* After a leg met a sign-in page, and from time to time: which ones do.  0 or -ENOMEM. */
int standing_walls(struct standing *s, const struct probe_table *legs, struct metrics *m);
/* A verdict that has ended counts for each user whom it affected.  0 or -ENOMEM. */
int standing_count(const struct verdict *v, struct metrics *m);

#endif
