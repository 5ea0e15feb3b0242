/* SPDX-License-Identifier: MIT */
/* What the end of a user's tunnel says; see tunnel_end.h. */
#include "diagnosis/tunnel_end.h"

#include <stdio.h>

#include "diagnosis/evidence.h"
#include "diagnosis/incident_timing.h"
#include "plugin.h"
#include "tbl/reason.h"

/* How long the side at fault had sent nothing, where the close reason alone is known. */
static uint64_t idle_us(const struct end_report *r)
{
	switch (reason_side(r->reason)) {
	case SIDE_CLIENT:
		return r->idle_client_us;
	case SIDE_SERVE:
		return r->idle_upstream_us;
	default:
		return r->idle_client_us > r->idle_upstream_us ? r->idle_client_us : r->idle_upstream_us;
	}
}

/* For how long nothing came that was due, or nothing was taken, at least: a gap between two heartbeats is none. */
static uint64_t quiet_us(const struct end_report *r, enum page_evidence evidence)
{
	switch (evidence) {
	case PAGE_LATE_PINGS: /* each but the first waited for the one before, and a period */
		return (r->page.late_pings > 0 ? r->page.late_pings - 1 : 0) * r->page.period_us;
	case PAGE_SERVER_LATE:
		return r->page.waiting_us;
	case PAGE_ANSWERS_NOT_TAKEN:
		return r->page.queued_us;
	case PAGE_NONE:
		return idle_us(r);
	default:
		return 0;
	}
}

/* How long before its end the drop had certainly begun: nothing for what was cut, all the silence of what fell
 * silent. */
static uint64_t begun_before_us(const struct end_report *r, enum page_evidence evidence)
{
	if (evidence == PAGE_ANSWERS_LOST) /* the Ping before the last one was answered, and in vain */
		return r->page.period_us;
	if (evidence != PAGE_NONE)
		return quiet_us(r, evidence);
	switch (r->reason) {
	case T3OPS_R_CLIENT_EOF:
	case T3OPS_R_CLIENT_RESET:
	case T3OPS_R_UPSTREAM_CLOSED:
	case T3OPS_R_UPSTREAM_EOF:
	case T3OPS_R_UPSTREAM_RESET:
		return 0;
	default:
		return idle_us(r);
	}
}

/* It had certainly begun so long before its end, and perhaps so much earlier. */
static void drop_begun(struct drop *d, uint64_t before_us, uint64_t perhaps_us)
{
	d->began_us = d->seen_us - sooner(d->seen_us, before_us);
	d->earliest_us = d->began_us - sooner(d->began_us, perhaps_us);
}

void tunnel_end_decided(struct drop *d, const struct page_facts *f)
{
	if (d->evidence == PAGE_ANSWERS_LOST)
		drop_begun(d, f->period_us, f->period_us);
	else if (d->evidence == PAGE_FEW_PINGS)
		drop_begun(d, (f->few_pings - 1) * f->period_us, f->since_ping_us);
}

void tunnel_end_drop(struct drop *d, const struct end_report *r, const char *user, enum page_evidence evidence,
                     uint64_t now_us)
{
	*d = (struct drop){.user = user,
	                   .evidence = evidence,
	                   .reason = r->reason,
	                   .code = r->code,
	                   .quiet_us = quiet_us(r, evidence)};
	d->seen_us = r->mono_us > 0 ? r->mono_us : now_us;
	drop_begun(d, begun_before_us(r, evidence),
	           evidence == PAGE_LATE_PINGS || evidence == PAGE_ANSWERS_LOST ? r->page.period_us : 0);
	d->received_us = d->seen_us > r->idle_client_us ? d->seen_us - r->idle_client_us : 0;
	d->opened_us = r->age_us > 0 && d->seen_us > r->age_us ? d->seen_us - r->age_us : 0;
	d->tunnel = r->tunnel;
	snprintf(d->why, sizeof d->why, "%s", r->why);
	snprintf(d->address, sizeof d->address, "%s", r->address);
	snprintf(d->colo, sizeof d->colo, "%s", r->colo);
}

bool tunnel_end_says_more(enum page_evidence a, enum page_evidence b)
{
	static const int weight[] = {
	    [PAGE_SIDE_NOBODY] = 0, [PAGE_SIDE_CUT] = 1,      [PAGE_SIDE_BEFORE_US] = 2,
	    [PAGE_SIDE_SERVE] = 2,  [PAGE_SIDE_DISPATCH] = 2,
	};

	return weight[page_evidence_side(a)] > weight[page_evidence_side(b)];
}

enum page_evidence tunnel_end_evidence(const struct end_report *r)
{
	return r->page.end != PAGE_END_NONE ? page_evidence_classify(&r->page) : PAGE_NONE;
}

bool tunnel_end_is_drop(const struct end_report *r, enum page_evidence evidence)
{
	if (evidence == PAGE_NONE)
		return r->dropped && evidence_of_drop(evidence, r->reason) != USER_NONE;
	return page_evidence_class(evidence) == PAGE_CLASS_DROP;
}
