/* SPDX-License-Identifier: MIT */
/* What happened to legs; see leg_news.h. */
#include "diagnosis/leg_news.h"

#include <errno.h>

#include "diagnosis/drops.h"
#include "diagnosis/host_news.h"
#include "diagnosis/round.h"
#include "diagnosis/slow_news.h"

/* When what the report is about had certainly begun to fail. */
static uint64_t broke_began(const struct leg *leg, enum leg_input_kind kind)
{
	switch (kind) {
	case LEG_LOOKED_UP:
		return leg->resolver_began_us;
	case LEG_FRESH:
		return leg->fresh.began_us;
	case LEG_LARGE:
		return leg->large.began_us;
	default:
		return leg->began_us;
	}
}

/* New connections of a leg fail as before, but users have opened tunnels: what that acquits is judged. */
static bool is_contradicted(const struct diagnosis *d, const struct leg *leg, enum leg_input_kind kind)
{
	bool fails = kind == LEG_FRESH ? leg->fresh.state == ASPECT_FAILS : kind == LEG_ATTEMPT;

	for (size_t i = 0; fails && i < d->now.n_live_tunnels; i++)
		if (d->now.live_tunnels[i].opened_us > 0)
			return true;
	return false;
}

/* Users broke who had last been heard of before the leg fell mute: both may be the same fault, older than the leg. */
static bool hurts(const struct diagnosis *d, const struct leg *leg)
{
	for (size_t i = 0; i < d->now.n_drops; i++)
		if (d->now.drops[i].received_us <= leg->mute_us)
			return true;
	return false;
}

int leg_news_take(struct diagnosis *d, const struct leg_report *r, uint64_t now_us)
{
	uint64_t mono_us = r->mono_us > 0 ? r->mono_us : now_us;
	struct leg_input in = {.kind = r->kind,
	                       .step = r->step,
	                       .reason = r->reason,
	                       .code = r->code,
	                       .wall_us = r->wall_us,
	                       .mono_us = mono_us,
	                       .waited_us = r->waited_us,
	                       .age_us = r->age_us,
	                       .target = r->target,
	                       .was_up = r->was_up,
	                       .makes_fresh = r->makes_fresh,
	                       .colo = r->colo,
	                       .host = (r->kind == LEG_ALIVE || r->kind == LEG_LOOKED_UP) &&
	                               host_news_explains(d, true, r->waited_us, mono_us)};
	struct leg *leg;
	unsigned news;
	int found = probe_table_get(&d->legs, d->topology, r->name, r->user, &leg);

	if (found < 0)
		return found == -ENOENT ? 0 : found;
	if (r->colo != NULL && r->colo[0] != '\0')
		topology_set_located(d->topology, leg->def);
	in.hurts = r->kind == LEG_ATTEMPT && hurts(d, leg);
	news = leg_transition(leg, &in);
	if (news & LEG_NEWS_WALLED_OFF)
		d->actions->walled_off(d->arg, leg->def->name);
	if ((news & LEG_NEWS_BROKE) && r->kind == LEG_DOWN && !leg->def->per_user)
		page_ends_leg_broke(&d->ends, mono_us);
	if (news & LEG_NEWS_BROKE)
		round_broke(d, broke_began(leg, r->kind), r->wall_us, mono_us, now_us);
	else if ((news & LEG_NEWS_EVIDENCE) || is_contradicted(d, leg, r->kind))
		round_evidence(d, now_us);
	drops_decide(d, now_us);
	return news & LEG_NEWS_SLOW ? slow_news_look(d, now_us) : 0;
}

int leg_news_gone(struct diagnosis *d, const char *name, const char *user)
{
	struct leg *leg;
	int found = probe_table_get(&d->legs, d->topology, name, user, &leg);

	if (found < 0)
		return found == -ENOENT ? 0 : found;
	probe_table_remove(&d->legs, leg);
	return 0;
}

void leg_news_prober_replaced(struct diagnosis *d, uint64_t wall_us, uint64_t now_us)
{
	const struct leg_input replaced = {.kind = LEG_PROBER_REPLACED, .wall_us = wall_us, .mono_us = now_us};

	probe_table_transition(&d->legs, &replaced);
}
