/* SPDX-License-Identifier: MIT */
/* The series of one leg, under t3ops' own names and under those of the operators' older dashboards. */
#ifndef T3OPS_PROBER_LEG_METRICS_H
#define T3OPS_PROBER_LEG_METRICS_H

#include "obs/metrics.h"
#include "prober/leg_group.h"
#include "prober/leg_way.h"
#include "tbl/reason.h"

struct leg_metrics {
	struct metrics *arena;
	struct leg_group *group;                  /* NULL: it is not counted, and always listed */
	struct group_member member;               /* while it is not listed, nothing below is there */
	bool fresh;                               /* it makes fresh connections */
	char leg[64], user[T3OPS_USER_NAME_SIZE]; /* labels: title of the section, and the user of a per-user leg, ""
	                                             otherwise */
	struct series *up[2], *rtt[2], *age[2], *last_end[2];
	struct series *ends[2][REASONS], *fresh_failures[REASONS], *large_lost[2];
	struct series *attempts;
	struct series *absent;                   /* NULL unless it ever was */
	struct series *certificate;              /* NULL until one was seen */
	struct series *large_works, *large_took; /* NULL until the first large message */
	struct series *residence, *ways[WAYS];   /* NULL until the far end stamped a heartbeat */
	struct series *fresh_works, *fresh_took; /* NULL until the first fresh connection */
};

/* Counters begin at 0, so that increase() sees the first step; fresh: the leg makes fresh connections.  group: of its
 * section, borrowed; NULL: it is not counted.  m stays where it is. */
void leg_metrics_init(struct leg_metrics *m, struct metrics *arena, const char *section, const char *user, bool fresh,
                      struct leg_group *group);
void leg_metrics_up(struct leg_metrics *m);
void leg_metrics_down(struct leg_metrics *m, unsigned reason, uint64_t wall_us);
void leg_metrics_rtt(struct leg_metrics *m, uint64_t rtt_us);
void leg_metrics_age(struct leg_metrics *m, uint64_t age_us);
void leg_metrics_attempt(struct leg_metrics *m);
/* A fresh connection worked (reason NONE) and took so long, or failed. */
void leg_metrics_fresh(struct leg_metrics *m, unsigned reason, uint64_t took_us);
/* What became of a large message, enum t3ops_large. */
void leg_metrics_large(struct leg_metrics *m, uint32_t fate, uint64_t took_us);
/* How long the far end had a heartbeat, and by how much each way took longer than at best. */
void leg_metrics_ways(struct leg_metrics *m, uint64_t residence_us, const uint64_t longer_us[WAYS]);
/* Days that the edge's certificate is good for; below 0: since when it is not. */
void leg_metrics_certificate(struct leg_metrics *m, double days);
/* Its user never ran t3, or has begun to: while it is so there is no gauge of the connection. */
void leg_metrics_absent(struct leg_metrics *m, bool absent);
/* The leg no longer exists; hides: nor will its series. */
void leg_metrics_fini(struct leg_metrics *m, bool hides);

#endif
