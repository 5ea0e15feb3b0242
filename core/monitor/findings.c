/* SPDX-License-Identifier: MIT */
/* What the diagnosis asks for and finds; see findings.h. */
#include "monitor/findings.h"

#include <errno.h>
#include <stdlib.h>

#include "monitor/control.h"
#include "monitor/host_pressure.h"
#include "monitor/verdict_json.h"
#include "obs/log.h"

static const struct t3ops_metric verdicts_total = {.name = "t3ops_verdicts_total",
                                                   .type = T3OPS_COUNTER,
                                                   .labels = {"segment"},
                                                   .help = "Verdicts by the segments that were left as suspects."};

static void on_probe(void *arg, uint64_t id, uint64_t since_us)
{
	struct monitor *d = arg;
	struct msg_probe probe = {.since_us = since_us};

	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROBER, id, &probe, sizeof probe);
	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROXY, id, &probe, sizeof probe);
}

static void verdict_count(struct monitor *d, const struct verdict *v)
{
	char *name = verdict_name(v, false);

	if (name != NULL)
		series_add(metrics_series(d->process->metrics, &verdicts_total, NULL, NULL, (const char *[]){name}),
		           1);
	free(name);
}

static void on_verdict(void *arg, const struct verdict *v)
{
	struct monitor *d = arg;
	json_t *verdict = verdict_json(v);
	struct event e;

	verdict_count(d, v);
	verdict_event(v, &e);
	process_emit(d->process, &e);
	if (verdict == NULL) {
		log_write(LOG_L_ERROR, "verdict_lost", kv_incident((int64_t)v->id), kv_errno(ENOMEM));
		return;
	}
	verdict_ring_add(&d->verdicts, verdict);
	journal_verdict(d->journal, verdict);
	if (d->control != NULL)
		control_verdict(d->control, verdict);
	json_decref(verdict);
}

static void on_healed(void *arg, const struct healed *h)
{
	struct monitor *d = arg;
	struct event e;

	event_init(&e, EVENT_VERDICT_HEALED, PROCESS_MONITOR);
	e.id = h->id;
	e.age_us = h->took_us;
	segments_text(&h->suspects, e.segments, sizeof e.segments);
	process_emit(d->process, &e);
}

static void on_walled_off(void *arg, const char *leg)
{
	struct monitor *d = arg;
	struct event e;

	event_init(&e, EVENT_NOTE, PROCESS_MONITOR);
	event_set(e.plugin, leg);
	e.reason = T3OPS_R_WALLED_OFF;
	event_set(e.text, "the leg meets a login page: let its URL through without sign-in");
	process_emit(d->process, &e);
}

static void on_pressure(void *arg, struct pressure *out)
{
	(void)arg;
	host_pressure_read("/proc", clock_mono_us(), out);
}

const struct diagnosis_actions findings = {on_probe, on_verdict, on_healed, on_walled_off, on_pressure};
