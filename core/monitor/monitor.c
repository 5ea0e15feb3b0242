/* SPDX-License-Identifier: MIT */
/*
 * The monitor process.  Every event passes here once, in this order: counter, journal, followers, diagnosis, watch
 * plugins; what the diagnosis finds goes out as events like all others (actions.c).  It touches no user's
 * connection: without a monitor nothing is explained, and nothing breaks.
 */
#include "monitor/metrics_page.h"
#include "monitor/monitor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/host_news.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/leg_news.h"
#include "monitor/browser_join.h"
#include "monitor/browser_memory.h"
#include "monitor/control.h"
#include "monitor/event_report.h"
#include "monitor/actions.h"
#include "monitor/host_look.h"
#include "monitor/journal_read.h"
#include "monitor/listing.h"
#include "monitor/notifier.h"
#include "monitor/pages.h"
#include "monitor/monitor_check.h"
#include "monitor/path_config.h"
#include "monitor/plugin_actions.h"
#include "monitor/reading.h"
#include "monitor/plugin_list.h"
#include "monitor/roster.h"
#include "monitor/server_look.h"
#include "monitor/sign_of_life.h"
#include "monitor/testimony.h"
#include "monitor/user_page.h"
#include "monitor/watchers.h"
#include "plugin_host/host_secrets.h"
#include "obs/log.h"
#include "sys/clock.h"

#define SAMPLE_S       1.0
#define SAMPLE_QUIET_S 5.0                /* while nothing happens, and the kernel tells of pressure */
#define QUIET_AFTER_US UINT64_C(30000000) /* more than passes from what broke until all is said of it */

static const struct t3ops_metric events_total = {.name = "t3ops_events_total",
                                                 .type = T3OPS_COUNTER,
                                                 .labels = {"kind"},
                                                 .help = "Events that reached the monitor."};
static const struct t3ops_metric incident_open = {
    .name = "t3ops_incident_open", .type = T3OPS_GAUGE, .help = "1 while evidence of a drop is being gathered."};
static const struct t3ops_metric network_lost = {
    .name = "t3ops_network_lost",
    .type = T3OPS_GAUGE,
    .help = "1 while this machine has no network of its own left: no default route over a link with carrier."};
static const struct t3ops_metric journal_lost_rows = {
    .name = "t3ops_journal_lost_total",
    .type = T3OPS_COUNTER,
    .help = "Events and verdicts that could not be written to the journal."};
static const struct t3ops_metric journal_capped_rows = {
    .name = "t3ops_journal_capped_total",
    .type = T3OPS_COUNTER,
    .help = "Events of users of whom so much happened that the journal keeps only some of it."};

/* ---- time ---------------------------------------------------------------------------------- */

static void gathering_note(struct monitor *d)
{
	bool is = diagnosis_gathering(d->diagnosis) != 0;

	series_set(d->open_gauge, is);
	if (!is)
		d->gathering_us = 0;
	else if (d->gathering_us == 0)
		d->gathering_us = clock_wall_us();
}

static void due_set(struct monitor *d)
{
	uint64_t now = clock_mono_us(), at;
	int r;

	d->is_due = false;
	d->tick_wall_us = clock_wall_us();
	recorder_tick(d->recorder, d->tick_wall_us, now);
	r = diagnosis_tick(d->diagnosis, now, &at);
	recorder_tick_over(d->recorder);
	recorder_follow(d->recorder, d->diagnosis, d->verdicts.given, now);
	if (r < 0)
		actions_evidence_lost(r);
	ev_timer_stop(d->process->loop, &d->due);
	d->due_us = 0;
	gathering_note(d);
	if (at == UINT64_MAX)
		return;
	ev_now_update(d->process->loop);
	d->due_us = at;
	ev_timer_set(&d->due, at > now ? (double)(at - now) / 1e6 : 0., 0.);
	ev_timer_start(d->process->loop, &d->due);
}

/* What follows from an event is looked at when the loop has read all that it reads in this turn: of thousands that
 * come at once, once for each few dozen. */
static void on_turn_end(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct monitor *d = w->data;

	(void)loop, (void)revents;
	if (d->is_due)
		due_set(d);
}

/* Where it comes far too late this process was frozen, and what it was to classify may wait in its queue. */
static void on_due(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct monitor *d = w->data;
	uint64_t now = clock_mono_us();

	(void)loop, (void)revents;
	if (d->due_us > 0 && now >= d->due_us + FREEZE_MIN_US) {
		recorder_woke(d->recorder, now - d->due_us, now);
		diagnosis_woke(d->diagnosis, now - d->due_us, now);
	}
	due_set(d);
}

static void lost_count(struct monitor *d)
{
	uint64_t lost = journal_lost(d->journal), left_out = journal_left_out(d->journal);

	series_add(d->lost_total, lost - d->lost_counted);
	series_add(d->capped_total, left_out - d->capped_counted);
	d->lost_counted = lost;
	d->capped_counted = left_out;
}

/* ---- how often the host is looked at ---------------------------------------------------------- */

static void sample_set(struct monitor *d, bool quiet)
{
	double pause = quiet ? SAMPLE_QUIET_S : SAMPLE_S;

	d->is_quiet = quiet;
	pressure_watch_listen(&d->pressure_watch, quiet);
	ev_timer_stop(d->process->loop, &d->sample);
	ev_now_update(d->process->loop);
	ev_timer_set(&d->sample, pause, pause);
	ev_timer_start(d->process->loop, &d->sample);
}

static void host_sample(struct monitor *d)
{
	int r = host_look(d, d->diagnosis);

	if (r < 0)
		actions_evidence_lost(r);
}

/* Something happens: how the host fares is known from here on as closely as ever. */
static void stir(struct monitor *d)
{
	d->stirred_us = clock_mono_us();
	if (!d->is_quiet)
		return;
	sample_set(d, false);
	host_sample(d);
}

static void on_pressure(void *arg)
{
	struct monitor *d = arg;

	stir(d);
	due_set(d);
}

static void quiet_find(struct monitor *d)
{
	uint64_t now = clock_mono_us();
	bool quiet;

	if (pressure_watch_fired(&d->pressure_watch))
		d->stirred_us = now;
	quiet = pressure_watch_has(&d->pressure_watch) && now >= d->stirred_us + QUIET_AFTER_US &&
	        d->gathering_us == 0 && d->standing.walled_off.n == 0 && !site_live_any(&d->live);
	if (quiet != d->is_quiet)
		sample_set(d, quiet);
	d->process->turn_is_routine = quiet;
}

static void on_sample(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct monitor *d = w->data;

	(void)loop, (void)revents;
	host_sample(d);
	lost_count(d);
	if (d->standing.walled_off.n > 0)
		actions_walls(d);
	roster_look(d);
	site_live_look(&d->live, clock_mono_us());
	actions_remember(d);
	due_set(d);
	recorder_write(d->recorder, d->journal);
	quiet_find(d);
}

/* ---- this machine's own network --------------------------------------------------------------- */

static void on_uplink(void *arg, const struct host_event *found)
{
	struct monitor *d = arg;
	bool lost = found->until_us == HOST_GOES_ON;
	uint64_t now = clock_mono_us();
	struct event e;
	int r;

	series_set(d->network_gauge, lost);
	if (!lost) { /* that it went is emitted by the diagnosis, as all that it takes for new */
		event_init(&e, EVENT_NETWORK_BACK, PROCESS_MONITOR);
		e.age_us = found->length_us;
		process_emit(d->process, &e);
	}
	recorder_host(d->recorder, found, now);
	r = host_news_take(d->diagnosis, found, now);
	if (r < 0)
		actions_evidence_lost(r);
	due_set(d);
}

static void uplink_start(struct monitor *d)
{
	d->network_gauge = metrics_series(d->process->metrics, &network_lost, NULL, NULL, NULL);
	series_set(d->network_gauge, 0);
	uplink_watch_start(&d->uplink, d->process->loop, on_uplink, d);
}

/* ---- what an earlier monitor knew ----------------------------------------------------------- */

/* What was said of one that is still followed, as it is now; of one that nobody follows any more, that it expired. */
static void earlier_show_one(struct monitor *d, json_t *verdict)
{
	const char *was = json_string_value(json_object_get(verdict, "state"));
	uint64_t id = (uint64_t)json_integer_value(json_object_get(verdict, "id"));
	const struct verdict *v = verdict_table_get(diagnosis_verdicts(d->diagnosis), id);
	const char *is = verdict_state_name(v != NULL ? v->state : VERDICT_EXPIRED);

	if (v != NULL && verdict_board_restore(&d->board, v, verdict) < 0)
		log_write(LOG_L_ERROR, "verdict_lost", kv_verdict((int64_t)id), kv_errno(ENOMEM));
	if (was == NULL || strcmp(was, verdict_state_name(VERDICT_STANDING)) != 0 || strcmp(was, is) == 0)
		return;
	json_object_set_new(verdict, "state", json_string(is));
	if (!d->is_current)
		return;
	journal_verdict(d->journal, verdict);
	notifier_verdict(d->notifier, verdict);
}

static void earlier_show(struct monitor *d, json_t *earlier)
{
	json_t *verdict;
	size_t i;

	json_array_foreach (earlier, i, verdict)
		earlier_show_one(d, verdict);
}

static void earlier_read(struct monitor *d)
{
	json_t *earlier = journal_verdicts(d->journal, 0, VERDICTS_KEPT);

	diagnosis_go_on(d->diagnosis, journal_last_incident(d->journal), journal_last_verdict(d->journal));
	if (verdict_memory_read(d->journal, d->diagnosis, clock_mono_us(), clock_wall_us()) < 0 ||
	    browser_memory_read(d->journal, d->diagnosis) < 0)
		actions_evidence_lost(-ENOMEM);
	earlier_show(d, earlier);
	verdict_ring_restore(&d->verdicts, earlier);
	json_decref(earlier);
	actions_standing(d);
}

static int diagnosis_start(struct monitor *d)
{
	struct diagnosis_setup setup = {.actions = &actions, .arg = d};
	const char *which = "";
	int r;

	setup.ping_timeout_us = d->process->config->core.ping_timeout_us;
	setup.process_watchdog_us = d->process->config->core.process_watchdog_us;
	setup.page_heartbeat_us = d->process->config->core.page_heartbeat_us;
	r = path_config_read(d->process->config, &setup.shape);
	if (r < 0)
		return r;
	r = diagnosis_new(&setup, &d->diagnosis, &which);
	if (r == -E2BIG)
		log_write(LOG_L_ERROR, "config_error", kv_plugin(which),
		          kv_error(textf("more than %d segments in one list", TOPOLOGY_LIST_MAX)));
	path_config_fini(&setup.shape);
	if (r == 0)
		earlier_read(d);
	return r;
}

/* The monitor before this one goes on until the supervisor turns to this one: what it wrote last is read once more.
 */
static void current_become(struct monitor *d)
{
	struct diagnosis *before = d->diagnosis;

	d->is_current = true;
	listings_hurry(d->listings, false); /* they show what that diagnosis knew */
	notifier_begin(d->notifier);
	verdict_ring_fini(&d->verdicts);
	verdict_board_fini(&d->board);
	if (diagnosis_start(d) < 0)
		d->diagnosis = before;
	else
		diagnosis_free(before);
	watchers_recall(d);
	actions_ask(d);
}

/* ---- messages -------------------------------------------------------------------------------- */

static bool is_of_a_leg(const struct event *e)
{
	return e->kind >= EVENT_LEG_UP && e->kind <= EVENT_LEG_GONE;
}

/* Texts of a plugin's making may lack their end, and truth values of a process that went wild be none. */
static void event_terminate(struct event *e)
{
	unsigned char carried;

	e->plugin[sizeof e->plugin - 1] = e->callback[sizeof e->callback - 1] = e->user[sizeof e->user - 1] = '\0';
	e->address[sizeof e->address - 1] = e->colo[sizeof e->colo - 1] = '\0';
	e->vantage[sizeof e->vantage - 1] = '\0';
	e->command[sizeof e->command - 1] = e->requester[sizeof e->requester - 1] = '\0';
	e->path[sizeof e->path - 1] = e->user_agent[sizeof e->user_agent - 1] = '\0';
	memcpy(&carried, &e->page.carried, sizeof carried);
	e->page.carried = carried != 0;
	e->segments[sizeof e->segments - 1] = e->text[sizeof e->text - 1] = '\0';
}

static void event_count(struct monitor *d, const struct event *e)
{
	const char *kind = event_kind_name(e->kind);

	series_add(metrics_series(d->process->metrics, &events_total, NULL, NULL, (const char *[]){kind}), 1);
}

/* ---- servers that do not answer ---------------------------------------------------------------- */

static void on_program(void *arg, const char *pairs, uint64_t now_us)
{
	struct monitor *d = arg;

	recorder_tell(d->recorder, "process", pairs, now_us);
}

static bool is_of_a_late_server(const struct event *e)
{
	return e->user[0] != '\0' && (e->kind == EVENT_LEG_LATE || e->kind == EVENT_LEG_DOWN ||
	                              (e->kind == EVENT_TUNNEL_HEARTBEAT && e->page.waiting_us > 0));
}

/* What legs and proxies send all the time, while all is well. */
static bool is_routine(const struct event *e)
{
	return e->kind == EVENT_LEG_ALIVE || e->kind == EVENT_LEG_FRESH || e->kind == EVENT_LEG_LARGE ||
	       e->kind == EVENT_TUNNEL_CENSUS || (e->kind == EVENT_LEG_RESOLVER && e->reason == T3OPS_R_NONE);
}

static void event_diagnose(struct monitor *d, const struct event *e, uint32_t from)
{
	uint64_t now = clock_mono_us();
	int r;

	if (is_of_a_leg(e) && from < d->prober_serial)
		return;
	leg_details_event(&d->leg_details, e);
	recorder_event(d->recorder, e, now);
	r = event_report(d->diagnosis, e, now);
	if (is_of_a_late_server(e))
		server_look_ask(d->server_look, e->user, now);
	if (r < 0)
		actions_evidence_lost(r);
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
	if (!is_routine(&e))
		stir(d);
	event_count(d, &e);
	journal_event(d->journal, &e);
	if (watchers_own(d, &e))
		journal_flush(d->journal); /* the next monitor may read it the next moment */
	if (d->control != NULL)
		control_event(d->control, &e);
	event_diagnose(d, &e, head->from);
	sign_of_life_event(d, &e, clock_mono_us());
	roster_event(d, &e, head->from);
	plugin_list_event(d->plugin_list, &e);
	site_live_event(&d->live, &e);
	browser_join(d, &e);
	watchers_event(d, &e);
	testimonies_event(d->testimonies, &e);
	d->is_due = true;
}

/* A new prober knows nothing of the old one's connections.  The first one's events may have come before this. */
static void prober_follow(struct monitor *d, const struct msg_process *r)
{
	bool is_new = r->state == PROCESS_READY && r->serial > d->prober_serial;
	bool is_gone = r->state == PROCESS_DEAD && r->serial == d->prober_serial;
	uint64_t wall = clock_wall_us(), now = clock_mono_us();

	if (r->process != PROCESS_PROBER || !(is_new || is_gone))
		return;
	if (is_gone || d->prober_serial != 0) {
		recorder_prober_gone(d->recorder, wall, now);
		leg_news_prober_replaced(d->diagnosis, wall, now);
		leg_details_fini(&d->leg_details);
	}
	if (is_new)
		d->prober_serial = r->serial;
}

static void on_process(struct monitor *d, const struct msg_head *head, const void *payload)
{
	struct msg_process r;

	if (head->len != sizeof r)
		return;
	memcpy(&r, payload, sizeof r);
	prober_follow(d, &r);
	if (r.process == PROCESS_PROXY && r.state == PROCESS_READY)
		roster_proxy_started(d);
	if (r.process == PROCESS_JOBS && r.state == PROCESS_DEAD && d->actions != NULL)
		plugin_actions_lost(d->actions);
	if (process_list_update(&d->processes, &r) < 0)
		log_write(LOG_L_ERROR, "process_list_failed", kv_pid(r.pid), kv_errno(ENOMEM));
	due_set(d);
}

static void on_log_levels(struct monitor *d, const struct msg_head *head, const void *payload)
{
	if (head->len != sizeof d->log_levels)
		return;
	memcpy(&d->log_levels, payload, sizeof d->log_levels);
	if (d->control != NULL)
		control_message(d->control, head, payload);
}

static void monitor_message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct monitor *d = process->state;

	if (!d->is_current && (head->type == MSG_EVENT || head->type == MSG_PROCESS_STATE))
		current_become(d);
	switch (head->type) {
	case MSG_EVENT:
		on_event(d, head, payload);
		break;
	case MSG_PROCESS_STATE:
		on_process(d, head, payload);
		break;
	case MSG_LOG_LEVELS:
		on_log_levels(d, head, payload);
		break;
	case MSG_USER_VERDICT_ASK:
		user_verdict_message(d, head, payload);
		break;
	case MSG_USER_PAGE_ASK:
		user_page_message(d, head, payload);
		break;
	default:
		if (notifier_message(d->notifier, head, payload))
			break;
		if (d->plugins != NULL && (plugin_host_message(d->plugins, head, payload) ||
		                           plugin_actions_message(d->actions, head, payload)))
			break;
		if (d->control != NULL)
			control_message(d->control, head, payload);
	}
}

/* ---- start and stop ------------------------------------------------------------------------ */

static int journal_start(struct monitor *d)
{
	const struct core_options *core = &d->process->config->core;
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/journal.sqlite", core->state_dir) >= (int)sizeof path)
		return -ENAMETOOLONG;
	d->journal = journal_new(d->process->loop, path, core->journal_retain_us);
	if (d->journal != NULL)
		d->readings = readings_new(d->process->loop, d->journal);
	d->roster = roster_new();
	d->plugin_list = plugin_list_new(d->process->config);
	d->testimonies = testimonies_new(d->process->loop, d->process->config->vantage_key);
	if (d->testimonies == NULL)
		return -errno;
	d->metrics = metrics_page_new(d->process->loop, d->process->metrics, d->process->config->core.vantage);
	d->listings = listings_new(d);
	d->recorder = recorder_new(d->process->config);
	d->server_look = server_look_new(d->process->loop, "/proc", on_program, d);
	if (d->readings == NULL || d->roster == NULL || d->plugin_list == NULL || d->metrics == NULL ||
	    d->listings == NULL || d->recorder == NULL || d->server_look == NULL)
		return -ENOMEM;
	roster_begin(d);
	plugin_list_begin(d);
	return 0;
}

static int listeners_start(struct monitor *d)
{
	for (size_t i = 0; i < d->process->n_listeners; i++) {
		const struct listener *l = &d->process->listeners[i];

		if (strcmp(l->name, "status") == 0) {
			pages_init(d);
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
	d->plugins = plugin_host_new(d->process, NULL, NULL);
	if (d->plugins == NULL)
		return -EINVAL;
	d->actions = plugin_actions_new(d->plugins);
	if (d->actions == NULL)
		return -ENOMEM;
	host_secrets_fill(plugin_host_services(d->plugins));
	return plugin_host_start(d->plugins);
}

static void diagnosis_end(struct monitor *d)
{
	uint64_t now = clock_mono_us();

	if (d->is_due)
		due_set(d);
	d->tick_wall_us = clock_wall_us();
	recorder_finish(d->recorder, now);
	diagnosis_finish(d->diagnosis, now);
	recorder_tick_over(d->recorder);
	recorder_end(d->recorder, d->journal);
	actions_remember(d);
}

static void monitor_free(struct monitor *d)
{
	struct ev_loop *loop = d->process->loop;

	readings_free(d->readings);
	d->readings = NULL;
	if (d->metrics != NULL)
		metrics_page_hurry(d->metrics);
	if (d->listings != NULL)
		listings_hurry(d->listings, true);
	control_free(d->control);
	d->control = NULL;
	leg_details_fini(&d->leg_details);
	testimonies_free(d->testimonies);
	d->testimonies = NULL;
	local_server_free(d->pages);
	d->pages = NULL;
	metrics_page_free(d->metrics);
	listings_free(d->listings);
	ev_prepare_stop(loop, &d->turn_end);
	ev_timer_stop(loop, &d->sample);
	pressure_watch_fini(&d->pressure_watch);
	if (d->plugins != NULL) {
		plugin_host_stop(d->plugins);
		plugin_actions_free(d->actions);
		plugin_host_free(d->plugins);
	}
	if (d->diagnosis != NULL && d->is_current)
		diagnosis_end(d);
	server_look_free(d->server_look);
	recorder_free(d->recorder);
	verdict_memory_fini(&d->memory);
	diagnosis_free(d->diagnosis);
	uplink_watch_stop(&d->uplink);
	ev_timer_stop(loop, &d->due);
	journal_free(d->journal);
	verdict_ring_fini(&d->verdicts);
	verdict_board_fini(&d->board);
	standing_fini(&d->standing);
	process_list_fini(&d->processes);
	notifier_free(d->notifier);
	plugin_list_free(d->plugin_list);
	roster_free(d->roster);
	free(d);
}

static int notifier_start(struct monitor *d)
{
	if (gethostname(d->host_name, sizeof d->host_name - 1) < 0)
		d->host_name[0] = '\0';
	d->notifier = notifier_new(d->process, d->host_name);
	return d->notifier != NULL ? 0 : -ENOMEM;
}

static void timers_start(struct monitor *d)
{
	ev_timer_init(&d->due, on_due, 0., 0.);
	ev_timer_init(&d->sample, on_sample, SAMPLE_S, SAMPLE_S);
	d->due.data = d->sample.data = d;
	ev_timer_start(d->process->loop, &d->sample);
	ev_prepare_init(&d->turn_end, on_turn_end);
	d->turn_end.data = d;
	ev_prepare_start(d->process->loop, &d->turn_end);
	d->stirred_us = clock_mono_us();
	pressure_watch_init(&d->pressure_watch, d->process->loop, d->process->pressure, on_pressure, d);
	d->open_gauge = metrics_series(d->process->metrics, &incident_open, NULL, NULL, NULL);
	d->lost_total = metrics_series(d->process->metrics, &journal_lost_rows, NULL, NULL, NULL);
	d->capped_total = metrics_series(d->process->metrics, &journal_capped_rows, NULL, NULL, NULL);
	series_set(d->open_gauge, 0);
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
		metrics_series(d->process->metrics, &events_total, NULL, NULL,
		               (const char *[]){event_kind_name((enum event_kind)kind)});
	actions_begin(d);
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
	standing_init(&d->standing);
	timers_start(d);
	r = journal_start(d);
	if (r == 0)
		r = diagnosis_start(d);
	if (r == 0)
		uplink_start(d);
	if (r == 0)
		r = notifier_start(d);
	if (r == 0)
		r = plugins_start(d);
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

/* The journal, in a directory that may be made or replaced later, and how the host fares. */
static void monitor_confine(struct process *process, struct confinement *c)
{
	confinement_read(c, "/proc"); /* single files of it get new inodes when memory is short */
	confinement_read(c, "/dev/urandom");
	confinement_read_options(c, process->config);
	confinement_read_system(c);
	confinement_write_beside(c, process->config->core.state_dir);
}

const struct process_ops monitor_ops = {.check = monitor_check,
                                        .start = monitor_start,
                                        .stop = monitor_stop,
                                        .confine = monitor_confine,
                                        .message = monitor_message};
