/* SPDX-License-Identifier: MIT */
/* What the verdicts cost, a segment: minutes that users lost, availability, how many there were.  Pure. */
#ifndef T3OPS_MONITOR_SITE_SEGMENTS_H
#define T3OPS_MONITOR_SITE_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "monitor/site_data.h"

enum { SITE_OF_DAY, SITE_OF_MONTH, SITE_OF_QUARTER, SITE_WINDOWS };

struct site_segment {
	const char *name;             /* borrowed of the config */
	bool is_kind;                 /* no segment: a kind of verdict, as "exonerated" */
	const char *now;              /* "ok", "suspect", "down" */
	size_t verdicts;              /* in the range */
	double lost_s, shared_s;      /* time of users lost in it: by verdicts that name it alone; and not alone */
	double down_s[SITE_WINDOWS];  /* named alone in the last 24 h, 30 d, 90 d */
	double known_s[SITE_WINDOWS]; /* how much of that time t3ops was there, at most */
};

struct site_segments {
	struct site_segment *rows;
	size_t n, room;
};

void site_segments_init(struct site_segments *all, const struct site_data *s);
void site_segments_fini(struct site_segments *all);
/* "alone", "shared", "cleared" (infra exonerated), "other". */
const char *site_mark_class(const json_t *verdict, const char *segment);
/* <section> with the table. */
void site_segments_put(FILE *out, const struct site_data *s);

#endif
