/* SPDX-License-Identifier: MIT */
/* The series of one leg; see leg_metrics.h. */
#include "prober/leg_metrics.h"

#include <stdio.h>

#include "obs/event.h"

static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/* Each under two names: ours, and the one that dashboards already have. */
static const struct t3ops_metric up_family[2] = {
    {.name = "t3ops_leg_connected",
     .type = T3OPS_GAUGE,
     .labels = {"leg", "user"},
     .help = "1 while the leg is established."},
    {.name = "t3probe_connected", .type = T3OPS_GAUGE, .labels = {"leg", "user"}, .help = "As t3ops_leg_connected."}};
static const struct t3ops_metric rtt_family[2] = {{.name = "t3ops_leg_rtt_seconds",
                                                   .type = T3OPS_HISTOGRAM,
                                                   .labels = {"leg", "user"},
                                                   .buckets = seconds,
                                                   .n_buckets = sizeof seconds / sizeof seconds[0],
                                                   .help = "Round trip of a heartbeat."},
                                                  {.name = "t3probe_rtt_seconds",
                                                   .type = T3OPS_HISTOGRAM,
                                                   .labels = {"leg", "user"},
                                                   .buckets = seconds,
                                                   .n_buckets = sizeof seconds / sizeof seconds[0],
                                                   .help = "As t3ops_leg_rtt_seconds."}};
static const struct t3ops_metric age_family[2] = {
    {.name = "t3ops_leg_connection_age_seconds",
     .type = T3OPS_GAUGE,
     .labels = {"leg", "user"},
     .help = "How long the leg has been established; 0 while it is not."},
    {.name = "t3probe_connection_age_seconds",
     .type = T3OPS_GAUGE,
     .labels = {"leg", "user"},
     .help = "As t3ops_leg_connection_age_seconds."}};
static const struct t3ops_metric last_end_family[2] = {
    {.name = "t3ops_leg_last_disconnect_timestamp_seconds",
     .type = T3OPS_GAUGE,
     .labels = {"leg", "user"},
     .help = "When the leg last ended, in seconds since 1970; 0: it never did."},
    {.name = "t3probe_last_disconnect_timestamp",
     .type = T3OPS_GAUGE,
     .labels = {"leg", "user"},
     .help = "As t3ops_leg_last_disconnect_timestamp_seconds."}};
static const struct t3ops_metric ends_family[2] = {{.name = "t3ops_leg_disconnects_total",
                                                    .type = T3OPS_COUNTER,
                                                    .labels = {"leg", "user", "reason"},
                                                    .help = "How often the established leg ended, by reason."},
                                                   {.name = "t3probe_disconnects_total",
                                                    .type = T3OPS_COUNTER,
                                                    .labels = {"leg", "user", "reason"},
                                                    .help = "As t3ops_leg_disconnects_total."}};
static const struct t3ops_metric attempts_family = {.name = "t3ops_leg_failed_attempts_total",
                                                    .type = T3OPS_COUNTER,
                                                    .labels = {"leg", "user"},
                                                    .help = "Attempts to establish the leg that failed."};
static const struct t3ops_metric fresh_works_family = {
    .name = "t3ops_leg_fresh_connected",
    .type = T3OPS_GAUGE,
    .labels = {"leg", "user"},
    .help = "1 if the last fresh connection beside the leg worked, 0 if it failed."};
static const struct t3ops_metric fresh_took_family = {
    .name = "t3ops_leg_fresh_seconds",
    .type = T3OPS_HISTOGRAM,
    .labels = {"leg", "user"},
    .buckets = seconds,
    .n_buckets = sizeof seconds / sizeof seconds[0],
    .help = "How long a fresh connection that worked took, from the "
            "look-up to the answer to its heartbeat."};
static const struct t3ops_metric fresh_failures_family = {.name = "t3ops_leg_fresh_failures_total",
                                                          .type = T3OPS_COUNTER,
                                                          .labels = {"leg", "user", "reason"},
                                                          .help = "Fresh connections beside the leg that failed, by "
                                                                  "reason."};
static const struct t3ops_metric large_works_family = {
    .name = "t3ops_leg_large_answered",
    .type = T3OPS_GAUGE,
    .labels = {"leg", "user"},
    .help = "1 if the last large message of the leg was answered, 0 if it was lost."};
static const struct t3ops_metric large_took_family = {.name = "t3ops_leg_large_seconds",
                                                      .type = T3OPS_HISTOGRAM,
                                                      .labels = {"leg", "user"},
                                                      .buckets = seconds,
                                                      .n_buckets = sizeof seconds / sizeof seconds[0],
                                                      .help = "Round trip of a large message, 64 KiB each way."};
static const struct t3ops_metric large_lost_family = {.name = "t3ops_leg_large_lost_total",
                                                      .type = T3OPS_COUNTER,
                                                      .labels = {"leg", "user", "way"},
                                                      .help = "Large messages of the leg that were lost, by way: out "
                                                              "or back."};
static const struct t3ops_metric residence_family = {
    .name = "t3ops_leg_residence_seconds",
    .type = T3OPS_HISTOGRAM,
    .labels = {"leg", "user"},
    .buckets = seconds,
    .n_buckets = sizeof seconds / sizeof seconds[0],
    .help = "How long the echo had a heartbeat, from its kernel to the answer, as it says itself."};
static const struct t3ops_metric way_family = {
    .name = "t3ops_leg_way_variation_seconds",
    .type = T3OPS_HISTOGRAM,
    .labels = {"leg", "user", "way"},
    .buckets = seconds,
    .n_buckets = sizeof seconds / sizeof seconds[0],
    .help = "By how much longer a heartbeat took out, or its answer back, than the fastest one of the last minute or "
            "two that way."};
static const struct t3ops_metric certificate_family = {
    .name = "t3ops_leg_certificate_days",
    .type = T3OPS_GAUGE,
    .labels = {"leg", "user"},
    .help = "Days until the certificate that the leg's edge segment shows expires; negative: it has expired."};

static const struct t3ops_metric absent_family = {.name = "t3ops_leg_absent",
                                                  .type = T3OPS_GAUGE,
                                                  .labels = {"leg", "user"},
                                                  .help = "1 while the leg has nothing to connect to, for its user "
                                                          "never ran t3; t3ops_leg_connected is not there then."};

static struct series *series_of(struct leg_metrics *m, const struct t3ops_metric *family)
{
	return metrics_series(m->arena, family, NULL, NULL, (const char *[]){m->leg, m->user});
}

static struct series *labelled(struct leg_metrics *m, const struct t3ops_metric *family, const char *label)
{
	return metrics_series(m->arena, family, NULL, NULL, (const char *[]){m->leg, m->user, label});
}

/* The others are those of users' connections. */
static bool ends_a_leg(unsigned reason)
{
	return (reason >= T3OPS_R_CLOSED && reason <= T3OPS_R_LOCAL) || reason == T3OPS_R_ADDRESS_CHANGED ||
	       reason == T3OPS_R_IMPOSTOR || reason == T3OPS_R_CLOCK;
}

static void counters_begin(struct leg_metrics *m, bool fresh)
{
	static const char *const ways[] = {"out", "back"};

	for (unsigned r = 0; r < REASONS; r++) {
		for (int i = 0; i < 2; i++)
			m->ends[i][r] = ends_a_leg(r) ? labelled(m, &ends_family[i], reason_label(r)) : NULL;
		m->fresh_failures[r] = fresh && ends_a_leg(r) ? labelled(m, &fresh_failures_family, reason_label(r))
		                                              : NULL;
	}
	for (int i = 0; i < 2; i++)
		m->large_lost[i] = fresh ? labelled(m, &large_lost_family, ways[i]) : NULL;
	m->attempts = series_of(m, &attempts_family);
}

static void hide(struct series *s)
{
	if (s)
		series_hide(s);
}

static void counters_hide(struct leg_metrics *m)
{
	for (unsigned r = 0; r < REASONS; r++) {
		hide(m->ends[0][r]);
		hide(m->ends[1][r]);
		hide(m->fresh_failures[r]);
	}
	hide(m->large_lost[0]);
	hide(m->large_lost[1]);
	series_hide(m->attempts);
}

static void series_hide_all(struct leg_metrics *m)
{
	hide(m->absent);
	hide(m->certificate);
	hide(m->residence);
	hide(m->ways[WAY_OUT]);
	hide(m->ways[WAY_BACK]);
	hide(m->large_works);
	hide(m->large_took);
	hide(m->fresh_works);
	hide(m->fresh_took);
	for (int i = 0; i < 2; i++) {
		series_hide(m->up[i]);
		series_hide(m->rtt[i]);
		series_hide(m->age[i]);
		series_hide(m->last_end[i]);
	}
	counters_hide(m);
}

static void absent_show(struct leg_metrics *m, bool absent)
{
	if (!m->absent)
		m->absent = series_of(m, &absent_family);
	series_set(m->absent, absent ? 1. : 0.);
	for (int i = 0; i < 2; i++) {
		m->up[i] = series_of(m, &up_family[i]);
		if (absent)
			series_hide(m->up[i]);
	}
}

static void series_show_all(struct leg_metrics *m)
{
	for (int i = 0; i < 2; i++) {
		m->up[i] = series_of(m, &up_family[i]);
		m->rtt[i] = series_of(m, &rtt_family[i]);
		m->age[i] = series_of(m, &age_family[i]);
		m->last_end[i] = series_of(m, &last_end_family[i]);
		series_set(m->up[i], m->member.state == GROUP_UP ? 1. : 0.);
		series_set(m->age[i], 0.);
		series_set(m->last_end[i], series_value(m->last_end[i]));
	}
	counters_begin(m, m->fresh);
	if (m->member.state == GROUP_ABSENT)
		absent_show(m, true);
}

static void on_list(void *arg, bool listed)
{
	struct leg_metrics *m = arg;

	if (listed) {
		series_show_all(m);
		return;
	}
	series_hide_all(m);
	m->absent = m->certificate = m->residence = NULL;
	m->ways[WAY_OUT] = m->ways[WAY_BACK] = NULL;
	m->large_works = m->large_took = m->fresh_works = m->fresh_took = NULL;
}

void leg_metrics_init(struct leg_metrics *m, struct metrics *arena, const char *section, const char *user, bool fresh,
                      struct leg_group *group)
{
	m->arena = arena;
	m->fresh = fresh;
	m->group = group;
	snprintf(m->leg, sizeof m->leg, "%s", section);
	snprintf(m->user, sizeof m->user, "%s", user);
	m->member = (struct group_member){.list = on_list, .arg = m, .is_listed = !group};
	if (group)
		leg_group_join(group, &m->member);
	else
		series_show_all(m);
}

void leg_metrics_fini(struct leg_metrics *m, bool hides)
{
	if (m->group && hides)
		leg_group_leave(m->group, &m->member);
	else if (hides)
		series_hide_all(m);
}

/* ---- what happens to it ---------------------------------------------------------------------- */

/* True: it has series that may show it. */
static bool state_set(struct leg_metrics *m, enum group_state state)
{
	if (m->group)
		leg_group_set(m->group, &m->member, state);
	return m->member.is_listed;
}

/* A user who never ran t3 has no leg at 0. */
void leg_metrics_absent(struct leg_metrics *m, bool absent)
{
	if (state_set(m, absent ? GROUP_ABSENT : GROUP_NEW))
		absent_show(m, absent);
}

void leg_metrics_up(struct leg_metrics *m)
{
	bool listed = state_set(m, GROUP_UP);

	for (int i = 0; i < 2 && listed; i++)
		series_set(m->up[i], 1.);
}

void leg_metrics_down(struct leg_metrics *m, unsigned reason, uint64_t wall_us)
{
	bool listed = state_set(m, GROUP_DOWN);

	for (int i = 0; i < 2 && listed; i++) {
		series_set(m->up[i], 0.);
		series_set(m->age[i], 0.);
		series_set(m->last_end[i], (double)wall_us / 1e6);
		series_add(labelled(m, &ends_family[i], reason_label(reason)), 1);
	}
}

void leg_metrics_rtt(struct leg_metrics *m, uint64_t rtt_us)
{
	for (int i = 0; i < 2 && m->member.is_listed; i++)
		series_observe(m->rtt[i], (double)rtt_us / 1e6);
}

void leg_metrics_age(struct leg_metrics *m, uint64_t age_us)
{
	for (int i = 0; i < 2 && m->member.is_listed; i++)
		series_set(m->age[i], (double)age_us / 1e6);
}

void leg_metrics_attempt(struct leg_metrics *m)
{
	if (state_set(m, m->member.state == GROUP_ABSENT ? GROUP_ABSENT : GROUP_DOWN))
		series_add(m->attempts, 1);
}

void leg_metrics_fresh(struct leg_metrics *m, unsigned reason, uint64_t took_us)
{
	if (!m->member.is_listed)
		return;
	if (!m->fresh_works) {
		m->fresh_works = series_of(m, &fresh_works_family);
		m->fresh_took = series_of(m, &fresh_took_family);
	}
	series_set(m->fresh_works, reason == T3OPS_R_NONE ? 1. : 0.);
	if (reason == T3OPS_R_NONE)
		series_observe(m->fresh_took, (double)took_us / 1e6);
	else
		series_add(labelled(m, &fresh_failures_family, reason_label(reason)), 1);
}

void leg_metrics_large(struct leg_metrics *m, uint32_t fate, uint64_t took_us)
{
	const char *way = fate == T3OPS_LARGE_LOST_OUT ? "out" : "back";

	if (!m->member.is_listed)
		return;
	if (!m->large_works) {
		m->large_works = series_of(m, &large_works_family);
		m->large_took = series_of(m, &large_took_family);
	}
	series_set(m->large_works, fate == T3OPS_LARGE_ANSWERED ? 1. : 0.);
	if (fate == T3OPS_LARGE_ANSWERED)
		series_observe(m->large_took, (double)took_us / 1e6);
	else
		series_add(labelled(m, &large_lost_family, way), 1);
}

void leg_metrics_ways(struct leg_metrics *m, uint64_t residence_us, const uint64_t longer_us[WAYS])
{
	static const char *const names[WAYS] = {[WAY_OUT] = "out", [WAY_BACK] = "back"};

	if (!m->member.is_listed)
		return;
	if (!m->residence)
		m->residence = series_of(m, &residence_family);
	series_observe(m->residence, (double)residence_us / 1e6);
	for (int i = 0; i < WAYS; i++) {
		if (!m->ways[i])
			m->ways[i] = labelled(m, &way_family, names[i]);
		series_observe(m->ways[i], (double)longer_us[i] / 1e6);
	}
}

void leg_metrics_certificate(struct leg_metrics *m, double days)
{
	if (!m->member.is_listed)
		return;
	if (!m->certificate)
		m->certificate = series_of(m, &certificate_family);
	series_set(m->certificate, days);
}
