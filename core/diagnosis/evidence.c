/* SPDX-License-Identifier: MIT */
/* Which segments one thing seen accuses and acquits; see evidence.h. */
#include "diagnosis/evidence.h"

#include "plugin.h"
#include "tbl/reason.h"

/* The far side of the edge said something, so what is before the edge carried it. */
static bool edge_answered(const struct leg_end *end)
{
	return end->reason == T3OPS_R_REFUSED || end->reason == T3OPS_R_RESET || end->reason == T3OPS_R_TLS;
}

/* Nothing came any more, or the connection was cut: by whom is not said. */
static bool is_lost(const struct leg_end *end)
{
	return leg_end_is_unanswered(end->reason) || end->reason == T3OPS_R_RESET || end->reason == T3OPS_R_EOF;
}

static struct end_evidence of_http(const struct leg_def *def, const struct leg_end *end)
{
	enum leg_part before = def->edge + 1 >= def->segments.n ? PART_BEFORE_EDGE : PART_TO_EDGE;

	if (end->reason == T3OPS_R_HTTP_STATUS)
		return (struct end_evidence){PART_AFTER_EDGE, before, true};
	if (is_lost(end))
		return (struct end_evidence){PART_ALL, PART_BEFORE_EDGE, false};
	return (struct end_evidence){PART_FROM_EDGE, PART_BEFORE_EDGE, true};
}

struct end_evidence evidence_of_end(const struct leg_def *def, const struct leg_end *end)
{
	enum end_side side = reason_side(end->reason);

	if (side == SIDE_CONFIG || side == SIDE_NOBODY)
		return (struct end_evidence){PART_NONE, PART_NONE, false};
	if (end->step == T3OPS_STEP_DNS || end->reason == T3OPS_R_DNS)
		return (struct end_evidence){PART_RESOLVER, PART_NONE, false};
	if (end->step == T3OPS_STEP_HTTP)
		return of_http(def, end);
	if (end->step != T3OPS_STEP_CONNECT && end->step != T3OPS_STEP_TLS)
		return (struct end_evidence){PART_ALL, PART_NONE, false};
	return (struct end_evidence){PART_TO_EDGE, edge_answered(end) ? PART_BEFORE_EDGE : PART_NONE,
	                             end->step == T3OPS_STEP_CONNECT};
}

struct end_evidence evidence_of_leg(const struct leg *leg)
{
	if (leg->attempted)
		return evidence_of_end(leg->def, &leg->latest);
	return (struct end_evidence){PART_ALL, PART_NONE, false};
}

bool evidence_is_of_new_connections(const struct leg *leg)
{
	return leg->attempted && (leg->latest.step == T3OPS_STEP_HTTP || edge_answered(&leg->latest));
}

enum user_part evidence_of_drop(enum page_evidence evidence, unsigned reason)
{
	switch (page_evidence_side(evidence)) {
	case PAGE_SIDE_BEFORE_US:
	case PAGE_SIDE_CUT:
		return USER_TO_DISPATCH;
	case PAGE_SIDE_SERVE:
		return USER_SERVE;
	case PAGE_SIDE_DISPATCH:
		return USER_DISPATCH;
	case PAGE_SIDE_NOBODY:
		break;
	}
	if (evidence != PAGE_NONE)
		return USER_NONE;
	switch (reason_side(reason)) {
	case SIDE_SERVE:
		return USER_SERVE;
	case SIDE_CLIENT:
		return USER_TO_DISPATCH;
	case SIDE_PATH:
		return USER_ALL;
	default:
		return USER_NONE;
	}
}

bool evidence_is_silence(const struct leg *leg)
{
	unsigned reason = leg->attempted ? leg->latest.reason : leg->first.reason;

	return reason == T3OPS_R_NONE || reason == T3OPS_R_HEARTBEAT_TIMEOUT || reason == T3OPS_R_CONNECT_TIMEOUT ||
	       reason == T3OPS_R_DNS;
}

bool evidence_is_before_us(const struct drop *d)
{
	enum user_part part = evidence_of_drop(d->evidence, d->reason);

	return part == USER_TO_DISPATCH || part == USER_ALL;
}

bool evidence_is_of_lost_answers(const struct drop *d)
{
	return d->evidence == PAGE_ANSWERS_LOST || d->evidence == PAGE_ANSWERS_NOT_TAKEN;
}
