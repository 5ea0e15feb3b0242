/* SPDX-License-Identifier: MIT */
/* What the diagnosis asks for and finds; see actions.h. */
#include "monitor/actions.h"

#include <errno.h>
#include <stdlib.h>

#include "monitor/browser_memory.h"
#include "monitor/control.h"
#include "monitor/host_look.h"
#include "monitor/notifier.h"
#include "monitor/verdict_json.h"
#include "obs/log.h"
#include "sys/clock.h"

static const struct t3ops_metric tunnel_drops_total = {
    .name = "t3ops_tunnel_drops_total",
    .type = T3OPS_COUNTER,
    .labels = {"page"},
    .help = "Users' WebSockets that broke, by what their pages experienced."};
static const struct t3ops_metric verdicts_total = {
    .name = "t3ops_verdicts_total",
    .type = T3OPS_COUNTER,
    .labels = {"kind", "segment"},
    .help =
        "Verdicts, by kind and by the segments that they named first; one that no longer exonerates counts again."};

/* What cannot be kept as evidence makes verdicts broader, not wrong. */
void actions_evidence_lost(int error)
{
	log_write(LOG_L_ERROR, "evidence_lost", kv_errno(error),
	          kv_effect("verdicts are broader than they need to be"));
}

static void on_probe(void *arg, uint64_t id, uint64_t since_us, const char *user)
{
	struct monitor *d = arg;
	struct msg_probe probe = {.since_us = since_us};

	if (user != NULL)
		event_set(probe.user, user);
	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROBER, id, &probe, sizeof probe);
	if (user == NULL)
		channel_send(d->process->channel, MSG_PROBE, PROCESS_PROXY, id, &probe, sizeof probe);
}

void actions_ask(struct monitor *d)
{
	uint64_t now = clock_mono_us(), beats = 2 * d->process->config->core.page_heartbeat_us;
	struct msg_probe legs = {.since_us = now}, tunnels = {.since_us = now > beats ? now - beats : 0};

	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROBER, 0, &legs, sizeof legs);
	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROXY, 0, &tunnels, sizeof tunnels);
}

static void on_dropped(void *arg, const struct drop *drop, bool late)
{
	struct monitor *d = arg;
	const char *const labels[] = {page_evidence_label(drop->evidence)};
	struct event e;

	series_add(metrics_series(d->process->metrics, &tunnel_drops_total, NULL, NULL, labels), 1);
	if (!late)
		return;
	drop_event(drop, &e);
	process_emit(d->process, &e);
}

static struct series *verdicts_of(struct monitor *d, enum verdict_kind kind, const char *segment)
{
	static const char *const kinds[] = {[VERDICT_FAULT] = "fault",     [VERDICT_EXONERATED] = "exonerated",
	                                    [VERDICT_HOST] = "host",       [VERDICT_PROBER] = "prober",
	                                    [VERDICT_UNKNOWN] = "unknown", [VERDICT_INCONCLUSIVE] = "inconclusive"};

	return metrics_series(d->process->metrics, &verdicts_total, NULL, NULL,
	                      (const char *[]){kinds[kind], segment});
}

static void verdict_count(struct monitor *d, const struct verdict *v)
{
	char *name = verdict_name(&v->conclusion, false);

	if (name != NULL)
		series_add(verdicts_of(d, v->conclusion.kind, name), 1);
	free(name);
}

static void segments_begin(struct monitor *d, const struct text_list *segments)
{
	for (size_t i = 0; i < segments->n; i++) {
		verdicts_of(d, VERDICT_FAULT, segments->items[i]);
		standing_segment(d->process->metrics, segments->items[i]);
	}
}

void actions_begin(struct monitor *d)
{
	const struct process_config *config = d->process->config;

	for (unsigned page = 0; page < PAGE_EVIDENCES; page++)
		if (page_evidence_class(page) == PAGE_CLASS_DROP || page_evidence_class(page) == PAGE_CLASS_UNKNOWN)
			metrics_series(d->process->metrics, &tunnel_drops_total, NULL, NULL,
			               (const char *[]){page_evidence_label(page)});
	for (enum verdict_kind kind = VERDICT_EXONERATED; kind <= VERDICT_INCONCLUSIVE; kind++) {
		verdicts_of(d, kind, verdict_kind_name(kind));
		standing_kind(d->process->metrics, kind);
	}
	segments_begin(d, &config->core.user_path);
	for (size_t i = 0; i < config->n_sections; i++) {
		segments_begin(d, &config->sections[i].leg.segments);
		segments_begin(d, &config->sections[i].leg.resolver_segments);
	}
}

void actions_standing(struct monitor *d)
{
	if (standing_update(&d->standing, diagnosis_verdicts(d->diagnosis), diagnosis_topology(d->diagnosis),
	                    d->process->metrics) < 0)
		actions_evidence_lost(-ENOMEM);
}

void actions_walls(struct monitor *d)
{
	if (standing_walls(&d->standing, diagnosis_legs(d->diagnosis), d->process->metrics) < 0)
		actions_evidence_lost(-ENOMEM);
}

/* Not before this monitor is the one that follows them. */
void actions_remember(struct monitor *d)
{
	if (d->is_current && verdict_memory_write(&d->memory, d->journal, d->diagnosis) < 0)
		actions_evidence_lost(-ENOMEM);
}

void actions_verdict_store(struct monitor *d, json_t *verdict)
{
	journal_verdict(d->journal, verdict);
	actions_remember(d);
	journal_flush(d->journal); /* this process may be gone the next moment */
	if (d->control != NULL)
		control_verdict(d->control, verdict);
	notifier_verdict(d->notifier, verdict);
}

/* Events of verdicts, and the verdicts, say where they were seen from. */
static void verdict_emit(struct monitor *d, struct event *e)
{
	event_set(e->vantage, d->process->config->core.vantage);
	process_emit(d->process, e);
}

static void on_verdict(void *arg, const struct verdict_basis *b)
{
	struct monitor *d = arg;
	const char *vantage = d->process->config->core.vantage;
	json_t *verdict = verdict_json(b);
	struct event e;

	if (verdict_counts(b->verdict))
		verdict_count(d, b->verdict);
	actions_standing(d);
	verdict_event(b, &e);
	e.time_us = d->tick_wall_us; /* not after its end, which may come with it */
	verdict_emit(d, &e);
	if (verdict != NULL && vantage[0] != '\0')
		json_object_set_new(verdict, "vantage", json_string(vantage));
	if (verdict == NULL || verdict_board_put(&d->board, b->verdict, verdict) < 0)
		log_write(LOG_L_ERROR, "verdict_lost", kv_verdict((int64_t)b->verdict->id), kv_errno(ENOMEM));
	if (verdict != NULL) {
		verdict_ring_add(&d->verdicts, verdict);
		actions_verdict_store(d, verdict);
	}
	json_decref(verdict);
}

static void on_ended(void *arg, const struct verdict *v)
{
	struct monitor *d = arg;
	json_t *verdict;
	struct event e;

	actions_standing(d);
	if (standing_count(v, d->process->metrics) < 0)
		actions_evidence_lost(-ENOMEM);
	verdict_end_event(v, &e); /* of now: the verdict that it ends may have been told of a moment ago */
	verdict = verdict_board_end(&d->board, v, d->tick_wall_us); /* as a replay has it */
	verdict_emit(d, &e);
	if (verdict != NULL)
		actions_verdict_store(d, verdict);
}

static void on_slow(void *arg, const struct slow_report *r)
{
	struct monitor *d = arg;
	struct event e;

	if (standing_slow(&d->standing, r, d->process->metrics) < 0)
		actions_evidence_lost(-ENOMEM);
	slow_event(r, &e);
	process_emit(d->process, &e);
}

static void on_walled_off(void *arg, const char *leg)
{
	struct monitor *d = arg;
	struct event e;

	actions_walls(d);
	event_init(&e, EVENT_NOTE, PROCESS_MONITOR);
	event_set(e.plugin, leg);
	e.reason = T3OPS_R_WALLED_OFF;
	event_set(e.text, "the leg is redirected to a sign-in page: exempt its URL from sign-in");
	process_emit(d->process, &e);
}

static void on_host(void *arg, const struct host_event *found)
{
	struct monitor *d = arg;
	struct event e;

	host_found_event(found, &e);
	if (found->kind == HOST_CLOCK_SET)
		event_set(e.text, d->clock_jumped_us > 0 ? "forward" : "back");
	process_emit(d->process, &e);
}

static void on_browser(void *arg, const struct browser *b)
{
	struct monitor *d = arg;

	if (d->is_current)
		browser_memory_write(d->journal, b);
}

static void on_look(void *arg, struct diagnosis *diagnosis)
{
	int r = host_look(arg, diagnosis);

	if (r < 0)
		actions_evidence_lost(r);
}

const struct diagnosis_actions actions = {
    .probe = on_probe,
    .dropped = on_dropped,
    .verdict = on_verdict,
    .ended = on_ended,
    .slow = on_slow,
    .walled_off = on_walled_off,
    .host = on_host,
    .browser = on_browser,
    .look = on_look,
};
