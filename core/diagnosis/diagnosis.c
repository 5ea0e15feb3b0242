/* SPDX-License-Identifier: MIT */
/* The life of a diagnosis: made, ticked, ended; see diagnosis.h. */
#include "diagnosis/diagnosis.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/diagnosis_state.h"
#include "diagnosis/drops.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/round.h"
#include "diagnosis/round_due.h"

int diagnosis_new(const struct diagnosis_setup *setup, struct diagnosis **out, const char **which)
{
	struct diagnosis *d = calloc(1, sizeof *d);
	int r = d != NULL ? topology_new(&setup->shape, &d->topology, which) : -ENOMEM;

	*out = NULL;
	if (r < 0) {
		free(d);
		return r;
	}
	d->ping_timeout_us = setup->ping_timeout_us;
	d->page_heartbeat_us = setup->page_heartbeat_us;
	d->process_watchdog_us = setup->process_watchdog_us;
	d->actions = setup->actions;
	d->arg = setup->arg;
	*out = d;
	return 0;
}

void diagnosis_free(struct diagnosis *d)
{
	if (d == NULL)
		return;
	incident_fini(&d->now);
	host_events_fini(&d->host);
	page_ends_fini(&d->ends);
	hurts_fini(&d->hurts);
	browsers_fini(&d->browsers);
	slow_paths_fini(&d->slow);
	verdict_table_fini(&d->verdicts);
	probe_table_fini(&d->legs);
	topology_free(d->topology);
	free(d);
}

void diagnosis_go_on(struct diagnosis *d, uint64_t last_incident, uint64_t last_verdict)
{
	if (d->last_incident < last_incident)
		d->last_incident = last_incident;
	if (d->verdicts.given < last_verdict)
		d->verdicts.given = last_verdict;
}

int diagnosis_recall(struct diagnosis *d, const struct recall *r, uint64_t now_us)
{
	diagnosis_go_on(d, r->verdict.incident, r->verdict.id);
	return recall_restore(r, &d->verdicts, &d->legs, d->topology, now_us);
}

int diagnosis_recall_browser(struct diagnosis *d, const struct browser *known)
{
	struct browser interned = *known;

	interned.user = topology_name(d->topology, known->user);
	return interned.user != NULL ? browsers_restore(&d->browsers, &interned) : -ENOMEM;
}

const struct topology *diagnosis_topology(const struct diagnosis *d)
{
	return d->topology;
}

const struct probe_table *diagnosis_legs(const struct diagnosis *d)
{
	return &d->legs;
}

const struct verdict_table *diagnosis_verdicts(const struct diagnosis *d)
{
	return &d->verdicts;
}

uint64_t diagnosis_gathering(const struct diagnosis *d)
{
	return d->round.open ? d->now.id : 0;
}

const struct incident *diagnosis_incident(const struct diagnosis *d)
{
	return &d->now;
}

static void verdicts_end(struct diagnosis *d, uint64_t now_us)
{
	struct verdict *v;

	while ((v = verdict_table_end_next(&d->verdicts, &d->legs, now_us)) != NULL) {
		probe_table_transition(&d->legs, &(struct leg_input){.kind = LEG_VERDICT_OVER, .verdict = v->id});
		incident_drops_remove(&d->now, v->id);
		d->actions->ended(d->arg, v);
	}
}

/* Whether something fails that was said to be no fault of its own, and may yet turn out to be one. */
static bool something_fails_still(const struct diagnosis *d)
{
	for (size_t i = 0; i < d->legs.n; i++) {
		const struct leg *leg = d->legs.rows[i];

		if (leg->testimony == LEG_SUSPECTED || leg->testimony == LEG_FAILED ||
		    leg->resolver_testimony == LEG_FAILED || leg->fresh.testimony == LEG_FAILED ||
		    leg->large.testimony == LEG_FAILED)
			return true;
	}
	return false;
}

/* Until when what the host explains, or an echo, may show that it is no such thing: attempts take their time. */
static uint64_t explained_until_us(const struct diagnosis *d)
{
	if (something_fails_still(d))
		return d->now.last_us + EVIDENCE_US;
	return probe_table_fails(&d->legs) ? d->now.last_us + FOLLOW_US : d->round.classified_us;
}

/* When the incident takes no more evidence. */
static uint64_t close_time(const struct diagnosis *d)
{
	if (d->now.id == 0 || d->round.open)
		return UINT64_MAX;
	if (verdict_table_stands_in(&d->verdicts, d->now.id))
		return d->now.last_us + EVIDENCE_US;
	return d->now.host_explains || d->now.echoes ? explained_until_us(d) : d->round.classified_us;
}

static void incident_close(struct diagnosis *d)
{
	probe_table_transition(&d->legs, &(struct leg_input){.kind = LEG_INCIDENT_OVER});
	incident_fini(&d->now);
	d->round = (struct round){.open = false};
}

int diagnosis_finish(struct diagnosis *d, uint64_t now_us)
{
	bool ours = false;

	for (size_t i = 0; i < d->now.n_drops; i++)
		ours = ours || (d->now.drops[i].verdict == 0 &&
		                page_evidence_side(d->now.drops[i].evidence) == PAGE_SIDE_DISPATCH);
	return d->round.open && ours ? round_classify(d, now_us) : 0;
}

int diagnosis_tick(struct diagnosis *d, uint64_t now_us, uint64_t *next_us)
{
	int r = 0;

	drops_decide(d, now_us);
	if (now_us >= round_ask_due_us(d))
		round_ask(d, now_us);
	if (d->round.open && now_us >= round_due_us(d))
		r = round_classify(d, now_us);
	if (!d->round.host_news)
		verdicts_end(d, now_us);
	verdict_table_expire(&d->verdicts, now_us);
	if (now_us >= close_time(d))
		incident_close(d);
	*next_us = sooner(round_ask_due_us(d), d->round.open ? round_due_us(d) : close_time(d));
	*next_us = sooner(*next_us, page_ends_due_us(&d->ends));
	if (!d->round.host_news)
		*next_us = sooner(*next_us, verdict_table_due_us(&d->verdicts));
	return r;
}

void diagnosis_woke(struct diagnosis *d, uint64_t late_us, uint64_t now_us)
{
	if (!d->round.open)
		return;
	d->round.opened_us += late_us + SETTLE_US;
	d->round.news_us = now_us;
}
