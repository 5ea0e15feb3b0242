/* SPDX-License-Identifier: MIT */
/* What happened to the host; see host_news.h. */
#include "diagnosis/host_news.h"

#include "diagnosis/drops.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/overload.h"
#include "diagnosis/round.h"

bool host_news_explains(const struct diagnosis *d, bool of_leg, uint64_t waited_us, uint64_t at_us)
{
	const struct host_question q = {
	    .prober = of_leg, .proxy = true, .began_us = at_us - sooner(at_us, waited_us), .seen_us = at_us};

	return waited_us > 0 && host_events_find(&d->host, &q) != NULL;
}

/* What the open incident may still ask about is kept. */
static uint64_t keep_us(const struct diagnosis *d, uint64_t now_us)
{
	uint64_t keep = now_us > EVIDENCE_US ? now_us - EVIDENCE_US : 0;

	return d->now.id != 0 ? sooner(keep, d->now.began_us) : keep;
}

static int host_take(struct diagnosis *d, const struct host_event *e, uint64_t now_us)
{
	int r = host_events_add(&d->host, e, keep_us(d, now_us));

	if (r == 1 && e->kind != HOST_FROZEN && e->kind != HOST_PROXY_GONE)
		d->actions->host(d->arg, e);
	return r < 0 ? r : 0;
}

int host_news_take(struct diagnosis *d, const struct host_event *e, uint64_t now_us)
{
	int r = host_take(d, e, now_us);

	drops_decide(d, now_us);
	round_evidence(d, now_us);
	d->round.host_news = d->round.open;
	return r;
}

int host_news_pressure(struct diagnosis *d, const struct pressure *sample)
{
	struct host_event e;
	int r = 0;

	if (host_event_of_kills(&d->last_sample, sample, &e))
		r = host_take(d, &e, sample->mono_us);
	if (r == 0 && host_event_of_strain(&d->last_sample, sample, &e))
		r = host_take(d, &e, sample->mono_us);
	if (r == 0 && host_event_of_starvation(&d->last_sample, sample, &e))
		r = host_take(d, &e, sample->mono_us);
	pressure_add(&d->pressure, sample);
	if (r == 0 && overload_find(&d->legs, &d->now, &d->pressure, sample->mono_us, &e))
		r = host_take(d, &e, sample->mono_us);
	d->last_sample.oom_kills = sample->oom_kills;
	d->last_sample.kills_known = sample->kills_known;
	if (!d->last_sample.known || sample->mono_us >= d->last_sample.mono_us + STRAIN_SPAN_US)
		d->last_sample = *sample;
	return r;
}

/* The watchdog's pings are three to a limit, and the fourth is the last: it hung for up to twice as long. */
int host_news_proxy_gone(struct diagnosis *d, bool hung, uint64_t mono_us, uint64_t now_us)
{
	uint64_t hung_us = hung ? sooner(mono_us, 2 * d->process_watchdog_us) : 0;
	const struct host_event e = {
	    .kind = HOST_PROXY_GONE, .from_us = mono_us - hung_us, .until_us = mono_us, .length_us = hung_us};

	return host_news_take(d, &e, now_us);
}
