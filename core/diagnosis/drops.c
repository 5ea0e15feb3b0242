/* SPDX-License-Identifier: MIT */
/* Drops of users' tunnels, taken into the incident; see drops.h. */
#include "diagnosis/drops.h"

#include <errno.h>

#include "diagnosis/incident_timing.h"
#include "diagnosis/round.h"
#include "diagnosis/tunnel_end.h"

int drops_take(struct diagnosis *d, const struct drop *drop, bool late, uint64_t wall_us, uint64_t now_us)
{
	struct drop *known;
	unsigned tunnels;

	if (hurts_add(&d->hurts, drop, d->page_heartbeat_us, now_us) < 0)
		return -ENOMEM;
	d->actions->dropped(d->arg, drop, late);
	round_broke(d, drop->began_us, wall_us, drop->seen_us, now_us);
	known = incident_drop(&d->now, drop->user);
	if (known == NULL) {
		known = incident_drop_add(&d->now, drop);
		d->actions->probe(d->arg, d->now.id, d->now.began_us, drop->user);
	}
	if (known == NULL)
		return -ENOMEM;
	tunnels = known->verdict != 0 ? 0 : known->tunnels;
	if (known->verdict != 0 || tunnel_end_says_more(drop->evidence, known->evidence))
		*known = *drop;
	known->tunnels = tunnels + 1;
	return 0;
}

/* Whether a leg of the user's path fails, or a verdict that legs gave is not long over: what a page does then is no
 * chance. */
static bool fault_is_known(const struct diagnosis *d, const char *user, const char *colo, uint64_t now_us)
{
	struct tomo_path path;

	for (size_t i = 0; i < d->legs.n; i++) {
		const struct leg *leg = d->legs.rows[i];

		if ((!leg->def->per_user || leg->user == user) && (leg_fails(leg) || leg_is_failing(leg)))
			return true;
	}
	topology_user_path(d->topology, user, USER_ALL, &path);
	topology_locate(d->topology, colo, &path);
	return verdict_table_is_recent(&d->verdicts, &path, now_us);
}

/* Whether t3ops or its machine stood still before that end, so that nothing got its answers. */
static bool host_stood_still(const struct diagnosis *d, const struct page_facts *f, const struct drop *end)
{
	const struct host_question q = {.proxy = true,
	                                .others_prompt = true,
	                                .began_us = end->seen_us - sooner(end->seen_us, f->period_us),
	                                .seen_us = end->seen_us};

	return f->end == PAGE_END_CLIENT_CLOSE && host_events_find(&d->host, &q) != NULL;
}

static void ends_look(struct diagnosis *d, uint64_t now_us)
{
	for (size_t i = 0; i < d->ends.n; i++) {
		struct page_end_row *row = &d->ends.rows[i];

		row->facts.fault_known = fault_is_known(d, row->drop.user, row->drop.colo, now_us) ||
		                         host_stood_still(d, &row->facts, &row->drop);
	}
}

/* Whether nothing but a fault that is known makes it a drop. */
static bool is_by_fault_alone(const struct page_facts *f)
{
	struct page_facts alone = *f;

	alone.fault_known = alone.with_leg = false;
	return !page_end_is_drop(&alone);
}

void drops_decide(struct diagnosis *d, uint64_t now_us)
{
	struct page_end_row row;

	ends_look(d, now_us);
	while (page_ends_take(&d->ends, now_us, &row)) {
		row.drop.supported = is_by_fault_alone(&row.facts);
		row.drop.returned = row.facts.back != PAGE_NOT_BACK && !row.facts.attempt_lost;
		tunnel_end_decided(&row.drop, &row.facts);
		drops_take(d, &row.drop, true, row.wall_us, now_us);
	}
}
