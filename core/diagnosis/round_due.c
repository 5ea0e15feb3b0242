/* SPDX-License-Identifier: MIT */
/* When a round of evidence is judged and when everything is asked again; see round_due.h. */
#include "diagnosis/round_due.h"

#include <string.h>

#include "diagnosis/incident_timing.h"
#include "diagnosis/overload.h"

static bool only_shared_legs_fail(const struct diagnosis *d)
{
	bool fails = false;

	if (d->now.n_drops > 0)
		return false;
	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		if (leg_fails(leg) && (leg->def->per_user || evidence_is_of_new_connections(leg)))
			return false;
		fails = fails || leg_is_failing(leg);
	}
	return fails;
}

static bool users_have_spoken(const struct diagnosis *d, uint64_t after_us)
{
	for (size_t i = 0; i < d->now.n_live_tunnels; i++)
		if (d->now.live_tunnels[i].client_us > after_us)
			return true;
	return false;
}

static bool a_leg_fell_silent(const struct diagnosis *d)
{
	for (size_t n = 0; n < d->legs.n; n++)
		if (leg_is_failing(d->legs.rows[n]) && evidence_is_silence(d->legs.rows[n]))
			return true;
	return false;
}

/* A fault that hurts nobody yet may be the prober's own: users' heartbeats would show it.  Of silence, only those
 * that come when a page without answers would have given up. */
static bool waits_for_users(const struct diagnosis *d)
{
	if (d->round.classified_us != 0 || d->open_tunnels == 0 || !only_shared_legs_fail(d))
		return false;
	return !users_have_spoken(d, d->now.first_us + (a_leg_fell_silent(d) ? ANSWERED_US : 0));
}

static uint64_t users_wait_us(const struct diagnosis *d)
{
	return users_have_spoken(d, d->now.first_us) ? ANSWERED_WAIT_US : VANTAGE_WAIT_US;
}

static bool new_connections_fail(const struct diagnosis *d)
{
	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		if (leg->fresh.testimony == LEG_FAILED || (leg_fails(leg) && evidence_is_of_new_connections(leg)))
			return true;
	}
	return false;
}

/* Only fresh connections acquit there: those that legs make when they are asked are awaited.  One that was begun
 * before acquits nothing, whenever it is done. */
static bool fresh_is_due(const struct diagnosis *d, const struct leg *leg)
{
	return leg->fresh.state != ASPECT_UNKNOWN && leg->state == LEG_IS_UP && leg->fresh.tried_us < d->now.began_us;
}

/* What a leg of one user says matters to that user alone. */
static bool matters(const struct diagnosis *d, const struct leg *leg)
{
	return !leg->def->per_user || leg_fails(leg) || incident_drop(&d->now, leg->user) != NULL;
}

static bool all_legs_reported(const struct diagnosis *d)
{
	bool fresh = new_connections_fail(d);

	for (size_t n = 0; n < d->legs.n; n++)
		if (matters(d, d->legs.rows[n]) && (!leg_has_reported(d->legs.rows[n], d->round.asked_us) ||
		                                    (fresh && fresh_is_due(d, d->legs.rows[n]))))
			return false;
	return true;
}

/* Of an incident whose pages lost answers: perhaps only large messages are lost, which legs are sending now. */
static bool waits_for_large(const struct diagnosis *d)
{
	bool due = false, lost = false;

	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		due = due || (leg->large.state != ASPECT_UNKNOWN && leg->state == LEG_IS_UP &&
		              leg->large.reported_us < d->round.asked_us && leg->large.proven_us < d->now.began_us);
	}
	for (size_t i = 0; due && i < d->now.n_drops; i++)
		lost = lost || (d->now.drops[i].verdict == 0 && evidence_is_of_lost_answers(&d->now.drops[i]));
	return lost;
}

static bool location_is_heard(const struct diagnosis *d, const struct drop *drop)
{
	for (size_t n = 0; n < d->legs.n; n++)
		if (d->legs.rows[n]->state == LEG_IS_UP && strcmp(d->legs.rows[n]->colo, drop->colo) == 0)
			return true;
	for (size_t i = 0; i < d->now.n_live_tunnels; i++)
		if (strcmp(d->now.live_tunnels[i].colo, drop->colo) == 0 &&
		    d->now.live_tunnels[i].steady_until_us > drop->began_us)
			return true;
	return false;
}

/* A user broke over a location that no leg goes over: another one's heartbeat would tell that it lives. */
static bool waits_for_location(const struct diagnosis *d)
{
	if (!topology_is_located(d->topology) || d->open_tunnels == 0 || probe_table_fails(&d->legs))
		return false;
	for (size_t i = 0; i < d->now.n_drops; i++) {
		const struct drop *drop = &d->now.drops[i];

		if (drop->verdict == 0 && drop->colo[0] != '\0' && evidence_is_before_us(drop) &&
		    !location_is_heard(d, drop))
			return true;
	}
	return false;
}

/* A leg failed, and its prober was replaced: when what the next one finds need not be awaited any more; 0: now. */
static uint64_t heirs_due_us(const struct diagnosis *d)
{
	uint64_t due = 0;

	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		if (leg_is_failing(leg) && matters(d, leg) && leg->state == LEG_IS_UNKNOWN && leg->heir_us > due)
			due = leg->heir_us;
	}
	return due > 0 ? due + HEIR_WAIT_US : 0;
}

uint64_t round_due_us(const struct diagnosis *d)
{
	const struct round *r = &d->round;
	uint64_t deadline = r->opened_us + d->ping_timeout_us + ROUND_GRACE_US;
	uint64_t at = r->news_us + SETTLE_US;

	if (heirs_due_us(d) > r->opened_us)
		return heirs_due_us(d);
	if (waits_for_users(d))
		return r->opened_us + users_wait_us(d);
	if (waits_for_large(d))
		return r->opened_us + LARGE_WAIT_US;
	if (waits_for_location(d))
		return r->opened_us + VANTAGE_WAIT_US;
	if (overload_may_be(&d->legs, &d->pressure, r->asked_us))
		return r->opened_us + CROWD_WAIT_US;
	if (r->ask_again || !all_legs_reported(d))
		return deadline;
	if (!probe_table_fails(&d->legs) && d->now.n_drops > 0 && at < r->asked_us + LIVE_ROUND_US)
		at = r->asked_us + LIVE_ROUND_US;
	return at < deadline ? at : deadline;
}

/* When everything is to be asked once more; UINT64_MAX: not now. */
uint64_t round_ask_due_us(const struct diagnosis *d)
{
	const struct round *r = &d->round;
	uint64_t at;

	if (d->now.id == 0)
		return UINT64_MAX;
	if (r->open && r->ask_again)
		return r->asked_us + ASK_AGAIN_US;
	if (r->open)
		return waits_for_users(d) || waits_for_location(d) ? r->asked_us + VANTAGE_ASK_US : UINT64_MAX;
	at = (r->asked_us > r->classified_us ? r->asked_us : r->classified_us) + FOLLOW_ASK_US;
	return at < d->now.last_us + FOLLOW_US ? at : UINT64_MAX;
}
