/* SPDX-License-Identifier: MIT */
/*
 * The monitor process: takes every event, keeps it, counts it, shows it to watch plugins, and lets incidents
 * check it; its verdicts go out as events like all others.  It touches no user's connection: without a
 * monitor nothing is explained, and nothing breaks.
 */
#include "monitor/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"
#include "obs/log.h"
#include "monitor/monitor_state.h"

#define SAMPLE_S 1.0

static const struct t3ops_metric events_total = {.name = "t3ops_events_total",
                                                 .type = T3OPS_COUNTER,
                                                 .labels = {"kind"},
                                                 .help = "Events that reached the monitor."};
static const struct t3ops_metric verdicts_total = {.name = "t3ops_verdicts_total",
                                                   .type = T3OPS_COUNTER,
                                                   .labels = {"segment"},
                                                   .help = "Verdicts by the segments that were left as suspects."};
static const struct t3ops_metric incident_open = {
    .name = "t3ops_incident_open", .type = T3OPS_GAUGE, .help = "1 while evidence of a drop is being gathered."};
static const struct t3ops_metric journal_lost_rows = {
    .name = "t3ops_journal_lost",
    .type = T3OPS_GAUGE,
    .help = "Events that this monitor could not write to the journal."};

static void count(struct monitor *d, const struct t3ops_metric *family, const char *label)
{
	series_add(metrics_series(d->process->metrics, family, NULL, NULL, (const char *[]){label}), 1);
}

/* ---- what incidents ask for -------------------------------------------------------------- */

static void on_probe(void *arg, uint64_t id, uint64_t since_us)
{
	struct monitor *d = arg;
	struct msg_probe probe = {.since_us = since_us};

	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROBER, id, &probe, sizeof probe);
	channel_send(d->process->channel, MSG_PROBE, PROCESS_PROXY, id, &probe, sizeof probe);
}

static void on_verdict(void *arg, struct verdict *v)
{
	struct monitor *d = arg;
	json_t *verdict = verdict_json(v);
	struct event e;
	char label[128];

	verdict_label(v->segments, label, sizeof label);
	count(d, &verdicts_total, label);
	verdict_event(v, &e);
	process_emit(d->process, &e);
	if (verdict != NULL) {
		verdict_ring_add(&d->verdicts, verdict);
		journal_verdict(d->journal, verdict);
		if (d->control != NULL)
			control_verdict(d->control, verdict);
	}
	json_decref(verdict);
	verdict_fini(v);
}

static void on_healed(void *arg, const struct healed *h)
{
	struct monitor *d = arg;
	struct event e;

	event_init(&e, EVENT_VERDICT_HEALED, PROCESS_MONITOR);
	e.id = h->id;
	e.age_us = h->took_us;
	event_set(e.segments, h->segments);
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
	pressure_read("/proc", clock_mono_us(), out);
}

static const struct incident_actions actions = {on_probe, on_verdict, on_healed, on_walled_off, on_pressure};

/* ---- time ---------------------------------------------------------------------------------- */

static void due_set(struct monitor *d)
{
	uint64_t now = clock_mono_us(), at = incidents_tick(d->incidents, now);

	ev_timer_stop(d->process->loop, &d->due);
	series_set(d->open_gauge, incidents_open(d->incidents) != 0);
	if (at == UINT64_MAX)
		return;
	ev_now_update(d->process->loop);
	ev_timer_set(&d->due, at > now ? (double)(at - now) / 1e6 : 0., 0.);
	ev_timer_start(d->process->loop, &d->due);
}

static void on_due(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	due_set(w->data);
}

static void on_sample(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct monitor *d = w->data;
	struct pressure sample;

	(void)loop, (void)revents;
	pressure_read("/proc", clock_mono_us(), &sample);
	incidents_pressure(d->incidents, &sample);
	series_set(d->lost_gauge, (double)journal_lost(d->journal));
	due_set(d);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void plugins_report(struct monitor *d, const struct event *e)
{
	char line[EVENT_LINE_MAX];
	struct t3ops_event seen = {.struct_size = sizeof seen, .time_us = e->time_us, .line = line};

	if (d->plugins == NULL)
		return;
	event_format(e, line, sizeof line);
	seen.kind = event_kind_name(e->kind);
	seen.plugin = e->plugin;
	seen.user = e->user;
	for (size_t i = 0; i < plugin_host_count(d->plugins); i++) {
		struct t3ops_instance *instance = plugin_host_at(d->plugins, i);

		if (!(instance->plugin.roles & T3OPS_ROLE_WATCH))
			continue;
		plugin_enter(instance, "on_event");
		instance->plugin.on_event(&instance->ctx, &seen);
		plugin_leave(instance);
	}
}

static bool is_of_a_leg(const struct event *e)
{
	return e->kind >= EVENT_LEG_UP && e->kind <= EVENT_LEG_GONE;
}

/* Texts of a plugin's making may lack their end. */
static void event_terminate(struct event *e)
{
	e->plugin[sizeof e->plugin - 1] = e->callback[sizeof e->callback - 1] = e->user[sizeof e->user - 1] = '\0';
	e->address[sizeof e->address - 1] = e->colo[sizeof e->colo - 1] = '\0';
	e->segments[sizeof e->segments - 1] = e->text[sizeof e->text - 1] = '\0';
}

static void on_event(struct monitor *d, const struct msg_head *head, const void *payload)
{
	struct event e;

	if (head->len != sizeof e)
		return;
	memcpy(&e, payload, sizeof e);
	if (e.kind >= EVENT_KINDS)
		return;
	event_terminate(&e);
	count(d, &events_total, event_kind_name(e.kind));
	journal_event(d->journal, &e);
	if (d->control != NULL)
		control_event(d->control, &e);
	if (!is_of_a_leg(&e) || head->from >= d->prober_serial)
		incidents_event(d->incidents, &e, clock_mono_us());
	plugins_report(d, &e);
	due_set(d);
}

static void on_process(struct monitor *d, const struct msg_head *head, const void *payload)
{
	struct msg_process r;
	size_t i = 0;

	if (head->len != sizeof r)
		return;
	memcpy(&r, payload, sizeof r);
	if (r.process == PROCESS_PROBER && r.state == PROCESS_READY && r.serial > d->prober_serial)
		d->prober_serial = r.serial;
	incidents_process(d->incidents, &r, clock_mono_us());
	while (i < d->n_processes && d->processes[i].serial != r.serial)
		i++;
	if (r.state == PROCESS_DEAD) {
		if (i < d->n_processes)
			d->processes[i] = d->processes[--d->n_processes];
	} else if (i < MONITOR_PROCESSES_MAX) {
		d->processes[i] = r;
		d->n_processes += i == d->n_processes;
	}
	due_set(d);
}

static void monitor_message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct monitor *d = process->state;

	switch (head->type) {
	case MSG_EVENT:
		on_event(d, head, payload);
		break;
	case MSG_PROCESS_STATE:
		on_process(d, head, payload);
		break;
	default:
		if (d->plugins != NULL && plugin_host_message(d->plugins, head, payload))
			break;
		if (d->control != NULL)
			control_message(d->control, head, payload);
	}
}

/* ---- start and stop ------------------------------------------------------------------------ */

static int journal_start(struct monitor *d)
{
	const struct core_options *core = &d->process->config->core;
	char path[512];
	json_t *earlier;

	if (snprintf(path, sizeof path, "%s/journal.sqlite", core->state_dir) >= (int)sizeof path)
		return -ENAMETOOLONG;
	d->journal = journal_new(d->process->loop, path, core->journal_retain_us);
	if (d->journal == NULL)
		return -ENOMEM;
	earlier = journal_verdicts(d->journal, VERDICTS_KEPT);
	verdict_ring_restore(&d->verdicts, earlier);
	json_decref(earlier);
	return 0;
}

static int listeners_start(struct monitor *d)
{
	for (size_t i = 0; i < d->process->n_listeners; i++) {
		const struct listener *l = &d->process->listeners[i];

		if (strcmp(l->name, "status") == 0) {
			d->pages = local_server_new(d->process->loop, l->fd, &pages_rules, d);
			if (d->pages == NULL)
				return -ENOMEM;
		} else if (strcmp(l->name, "control") == 0) {
			d->control = control_new(d, l->fd);
			if (d->control == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

static int plugins_start(struct monitor *d)
{
	if (d->process->config->n_plugins == 0)
		return 0;
	d->plugins = plugin_host_new(d->process, NULL);
	return d->plugins != NULL ? plugin_host_start(d->plugins) : -EINVAL;
}

static void monitor_free(struct monitor *d)
{
	struct ev_loop *loop = d->process->loop;

	control_free(d->control);
	d->control = NULL;
	ev_timer_stop(loop, &d->due);
	ev_timer_stop(loop, &d->sample);
	if (d->plugins != NULL) {
		plugin_host_stop(d->plugins);
		plugin_host_free(d->plugins);
	}
	local_server_free(d->pages);
	incidents_free(d->incidents);
	journal_free(d->journal);
	verdict_ring_fini(&d->verdicts);
	free(d);
}

static void timers_start(struct monitor *d)
{
	ev_timer_init(&d->due, on_due, 0., 0.);
	ev_timer_init(&d->sample, on_sample, SAMPLE_S, SAMPLE_S);
	d->due.data = d->sample.data = d;
	ev_timer_start(d->process->loop, &d->sample);
	d->open_gauge = metrics_series(d->process->metrics, &incident_open, NULL, NULL, NULL);
	d->lost_gauge = metrics_series(d->process->metrics, &journal_lost_rows, NULL, NULL, NULL);
	series_set(d->open_gauge, 0);
}

static json_t *names_json(const struct text_list *list)
{
	json_t *names = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(names, json_string(list->items[i]));
	return names;
}

/* What diagnosis wants to know of the config. */
static json_t *paths_json(const struct process_config *config)
{
	json_t *legs = json_array();

	for (size_t i = 0; i < config->n_sections; i++) {
		const struct plugin_section *s = &config->sections[i];

		if (s->roles & T3OPS_ROLE_LEG)
			json_array_append_new(
			    legs, json_pack("{s:s, s:o, s:s, s:o, s:b}", "name", s->name, "segments",
			                    names_json(&s->leg.segments), "edge", s->leg.edge, "resolver_segments",
			                    names_json(&s->leg.resolver_segments), "per_user", (int)s->per_user));
	}
	return json_pack("{s:{s:o, s:o, s:I}, s:o}", "core", "user_path", names_json(&config->core.user_path),
	                 "per_user", names_json(&config->core.per_user), "ping_timeout",
	                 (json_int_t)config->core.ping_timeout_us, "legs", legs);
}

static struct incidents *incidents_make(struct monitor *d)
{
	json_t *paths = paths_json(d->process->config);
	struct incidents *i = incidents_new(paths, journal_last_incident(d->journal) + 1, &actions, d);

	json_decref(paths);
	return i;
}

static int monitor_start(struct process *process)
{
	struct monitor *d = calloc(1, sizeof *d);
	int r;

	if (d == NULL)
		return -ENOMEM;
	process->state = d;
	d->process = process;
	d->started_us = clock_mono_us();
	timers_start(d);
	r = journal_start(d);
	if (r == 0) {
		d->incidents = incidents_make(d);
		r = d->incidents != NULL ? plugins_start(d) : -ENOMEM;
	}
	if (r == 0)
		r = listeners_start(d);
	if (r != 0) {
		log_write(LOG_L_ERROR, "start_failed", kv_errno(r));
		monitor_free(d);
		process->state = NULL;
	}
	return r;
}

static void monitor_stop(struct process *process)
{
	monitor_free(process->state);
	process->state = NULL;
}

const struct process_ops monitor_ops = {.start = monitor_start, .stop = monitor_stop, .message = monitor_message};
