/* SPDX-License-Identifier: MIT */
/* What happened to users' tunnels and pages; see user_news.h. */
#include "diagnosis/user_news.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diagnosis/drops.h"
#include "diagnosis/host_news.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/round.h"
#include "diagnosis/slow_news.h"

static int tunnel_end(struct diagnosis *d, const struct end_report *r, const char *user, uint64_t now_us)
{
	enum page_evidence evidence = tunnel_end_evidence(r);
	struct page_end_row row = {.facts = r->page, .wall_us = r->wall_us};
	int result = evidence == PAGE_LEFT_HUNG ? slow_news_user(d, user, true, now_us) : 0;

	if (result == 0) /* who is gone waits for nothing */
		result = slow_news_user(d, user, false, now_us);
	if (result < 0)
		return result;
	if (evidence == PAGE_ABANDONED && r->page.age_us > r->page.period_us)
		page_ends_attempt_lost(&d->ends, user);
	tunnel_end_drop(&row.drop, r, user, evidence, now_us);
	if (tunnel_end_is_drop(r, evidence))
		return drops_take(d, &row.drop, false, r->wall_us, now_us);
	if (page_end_waits(&r->page))
		result = page_ends_add(&d->ends, &row);
	drops_decide(d, now_us);
	return result;
}

static struct page_facts facts_complete(const struct diagnosis *d, const struct page_facts *facts)
{
	struct page_facts all = *facts;

	all.period_us = d->page_heartbeat_us;
	return all;
}

/* r: what the browsers returned of that one.  0 or -ENOMEM. */
static int browser_told(struct diagnosis *d, const char *user, int r)
{
	if (r == 1)
		d->actions->browser(d->arg, browsers_get(&d->browsers, user));
	return r < 0 ? r : 0;
}

int user_news_tunnel_end(struct diagnosis *d, const struct end_report *r, uint64_t now_us)
{
	const char *user = topology_name(d->topology, r->user);
	struct end_report whole = *r;

	if (user == NULL)
		return -ENOMEM;
	d->open_tunnels -= d->open_tunnels > 0;
	whole.page = facts_complete(d, &r->page);
	whole.page.age_us = r->age_us;
	whole.page.idle_us = r->idle_client_us;
	if (browser_told(d, user, browsers_ended(&d->browsers, user, &whole.page)) < 0)
		return -ENOMEM;
	return tunnel_end(d, &whole, user, now_us);
}

/* A page that fell silent may sleep, or be cut off: everything is asked, and nobody accused. */
static void question_open(struct diagnosis *d, const struct page_facts *facts, uint64_t wall_us, uint64_t now_us)
{
	uint64_t began_us = now_us > facts->since_ping_us ? now_us - facts->since_ping_us : 0;

	round_broke(d, began_us, wall_us, now_us, now_us);
}

int user_news_tunnel_live(struct diagnosis *d, const struct live_report *r, uint64_t now_us)
{
	struct live_tunnel live = {.user = topology_name(d->topology, r->user),
	                           .client_us = r->client_us,
	                           .serve_us = r->serve_us,
	                           .steady_since_us = r->steady_us,
	                           .steady_until_us = r->steady_us > 0 ? r->client_us : 0};
	int result;

	d->open_tunnels += d->open_tunnels == 0; /* one that was opened before there was this diagnosis */
	if (d->now.id == 0)
		return 0;
	snprintf(live.colo, sizeof live.colo, "%s", r->colo);
	result = live.user != NULL ? incident_live_tunnel(&d->now, &live) : -ENOMEM;
	if (!d->round.open && verdict_table_stands_in(&d->verdicts, d->now.id))
		round_evidence(d, now_us);
	return result;
}

/* NULL, for lack of memory: it is not noted. */
static struct drop *user_is_back(struct diagnosis *d, const char *user)
{
	struct drop *drop = incident_drop(&d->now, user);

	verdict_table_user_back(&d->verdicts, user);
	if (drop != NULL)
		drop->returned = true;
	return drop;
}

int user_news_page(struct diagnosis *d, const char *user, const char *colo, const struct page_facts *facts,
                   uint64_t wall_us, uint64_t now_us)
{
	struct page_facts all = facts_complete(d, facts);
	struct live_report live = {
	    .user = user, .colo = colo, .client_us = now_us - sooner(now_us, facts->since_ping_us)};
	int r;

	switch (page_evidence_classify(&all)) {
	case PAGE_WENT_SILENT:
		question_open(d, facts, wall_us, now_us);
		return slow_news_user(d, user, false, now_us);
	case PAGE_LATE_HEARTBEAT:
		if (host_news_explains(d, false, facts->waiting_us > 0 ? facts->waiting_us : d->page_heartbeat_us,
		                       now_us))
			return 0;
		return slow_news_user(d, user, true, now_us);
	case PAGE_UNHEARD:
		page_ends_attempt_lost(&d->ends, topology_name(d->topology, user));
		drops_decide(d, now_us);
		return 0;
	case PAGE_NONE:
		user_is_back(d, topology_name(d->topology, user));
		r = user_news_tunnel_live(d, &live, now_us);
		return r < 0 ? r : slow_news_user(d, user, false, now_us);
	default:
		return 0;
	}
}

static int tunnel_opened(struct diagnosis *d, const char *user, const struct open_report *r)
{
	struct live_tunnel opened = {.user = user, .opened_us = r->opened_us};

	snprintf(opened.colo, sizeof opened.colo, "%s", r->colo);
	return d->now.id != 0 ? incident_live_tunnel(&d->now, &opened) : 0;
}

int user_news_tunnel_open(struct diagnosis *d, const struct open_report *r, uint64_t now_us)
{
	const char *user = topology_name(d->topology, r->user);
	struct drop *drop;
	int result;

	if (user == NULL)
		return -ENOMEM;
	d->open_tunnels++;
	if (tunnel_opened(d, user, r) < 0)
		return -ENOMEM;
	if (page_ends_back(&d->ends, user, r->address, r->opened_us) &&
	    browser_told(d, user, browsers_left(&d->browsers, user)) < 0)
		return -ENOMEM;
	result = slow_news_user(d, user, false, now_us);
	drops_decide(d, now_us);
	drop = user_is_back(d, user);
	if (drop != NULL) {
		drop->moved = drop->address[0] != '\0' && r->address[0] != '\0' &&
		              strcmp(drop->address, r->address) != 0;
		drop->other_colo = drop->colo[0] != '\0' && r->colo[0] != '\0' && strcmp(drop->colo, r->colo) != 0;
	}
	return result;
}

int user_news_navigation(struct diagnosis *d, const char *user, bool http2, uint64_t now_us)
{
	const char *name = topology_name(d->topology, user);

	if (name == NULL || browser_told(d, name, browsers_navigation(&d->browsers, name, http2)) < 0)
		return -ENOMEM;
	return page_ends_navigation(&d->ends, name, now_us);
}
