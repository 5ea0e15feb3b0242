/* SPDX-License-Identifier: MIT */
/* Rounds of evidence: what is asked, and the classification at the end; see round.h. */
#include "diagnosis/round.h"

#include "diagnosis/classify.h"
#include "diagnosis/incident_timing.h"

void round_ask(struct diagnosis *d, uint64_t now_us)
{
	d->round.asked_us = now_us;
	d->round.ask_again = false;
	d->actions->probe(d->arg, d->now.id, d->now.began_us, NULL);
	for (size_t i = 0; i < d->now.n_drops; i++)
		if (!d->now.drops[i].returned)
			d->actions->probe(d->arg, d->now.id, d->now.began_us, d->now.drops[i].user);
}

static void round_open(struct diagnosis *d, uint64_t now_us)
{
	if (!d->round.open)
		d->round.opened_us = now_us;
	d->round.open = true;
	d->round.news_us = now_us;
}

void round_broke(struct diagnosis *d, uint64_t began_us, uint64_t wall_us, uint64_t mono_us, uint64_t now_us)
{
	struct incident *in = &d->now;
	bool first = in->id == 0, fresh = !d->round.open;

	if (first) {
		*in = (struct incident){.id = ++d->last_incident, .first_wall_us = wall_us, .began_us = began_us};
		in->first_us = mono_us < now_us ? mono_us : now_us;
		pressure_before(&d->pressure, in->first_us, &in->before);
		d->round = (struct round){.open = false};
	}
	in->last_us = now_us;
	in->began_us = sooner(in->began_us, began_us);
	round_open(d, now_us);
	if (first || fresh)
		round_ask(d, now_us);
	else if (began_us >= d->round.asked_us)
		d->round.ask_again = true;
}

void round_evidence(struct diagnosis *d, uint64_t now_us)
{
	if (d->now.id != 0)
		round_open(d, now_us);
}

/* Drops that a verdict explained which had ended before are heard. */
static void drops_of_ended_remove(struct diagnosis *d)
{
	for (size_t i = 0; i < d->verdicts.n; i++)
		if (d->verdicts.rows[i]->state != VERDICT_STANDING)
			incident_drops_remove(&d->now, d->verdicts.rows[i]->id);
}

int round_classify(struct diagnosis *d, uint64_t now_us)
{
	struct classify_input in = {.incident = &d->now,
	                            .legs = &d->legs,
	                            .topology = d->topology,
	                            .host = &d->host,
	                            .hurts = &d->hurts,
	                            .verdicts = &d->verdicts,
	                            .now_us = now_us,
	                            .report = d->actions->verdict,
	                            .arg = d->arg};
	int r;

	d->actions->look(d->arg, d);
	pressure_window(&d->now.before, &d->pressure, &d->now.host_pressure);
	r = classify(&in);
	probe_table_transition(&d->legs, &(struct leg_input){.kind = LEG_CLASSIFIED});
	drops_of_ended_remove(d);
	d->round.open = d->round.host_news = false;
	d->round.classified_us = now_us;
	return r;
}
