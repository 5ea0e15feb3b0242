/* SPDX-License-Identifier: MIT */
/*
 * What a leg reports: one event each, which carries the id of the monitor's probe if one waits for an answer.
 * Events that are evidence but no news go to the monitor only, not to the log.
 */
#ifndef T3OPS_PROBER_LEG_REPORT_H
#define T3OPS_PROBER_LEG_REPORT_H

#include "prober/leg_state.h"
#include "tbl/beat.h"

void leg_report_up(struct t3ops_leg *leg);
/* A heartbeat was answered. */
void leg_report_alive(struct t3ops_leg *leg, uint64_t rtt_us);
/* A heartbeat is not answered yet. */
void leg_report_late(struct t3ops_leg *leg);
/* The leg went down (was_up), or an attempt failed. */
void leg_report_end(struct t3ops_leg *leg, const struct t3ops_ws_end *end, bool was_up);
void leg_report_resolver(struct t3ops_leg *leg, bool ok, const char *text);
/* A fresh connection beside the leg works, or does not; took_us: from its start. */
void leg_report_fresh(struct t3ops_leg *leg, uint64_t took_us);
void leg_report_fresh_failed(struct t3ops_leg *leg, const struct t3ops_ws_end *end, uint64_t took_us);
/* What became of a large message, enum t3ops_large. */
void leg_report_trace(struct t3ops_leg *leg, enum beat_trace trace);
void leg_report_large(struct t3ops_leg *leg, uint32_t fate, uint64_t took_us);
/* The edge's certificate: until_us since 1970. */
void leg_report_certificate(struct t3ops_leg *leg, enum certificate_state state, uint64_t until_us);
/* Its user never ran t3; news: that is found out now. */
void leg_report_absent(struct t3ops_leg *leg, bool news);
/* The leg does not exist any more. */
void leg_report_gone(struct t3ops_leg *leg);

#endif
