/* SPDX-License-Identifier: MIT */
/* Events and states for the monitor; see monitor_link.h. */
#include "supervisor/monitor_link.h"

static struct series *kept_series(const struct monitor_link *l, enum process_id process)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_events_kept_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"process"},
	    .help = "How often the process was told to keep its events for a while, because the monitor was behind."};

	return metrics_series(l->processes->host.metrics, &family, NULL, NULL,
	                      (const char *[]){process_name(process)});
}

void monitor_link_init(struct monitor_link *l, const struct process_table *processes)
{
	*l = (struct monitor_link){.processes = processes};
	drop_report_init(&l->dropped, processes->host.metrics, PROCESS_MONITOR, DROP_TO);
	for (unsigned process = PROCESS_NONE + 1; process < PROCESSES; process++)
		l->kept[process] = kept_series(l, (enum process_id)process);
}

/* ---- while the monitor is behind ----------------------------------------------------------------------- */

static void events_ask(struct child *c, bool kept)
{
	c->keeps_events = kept;
	channel_send(c->channel, kept ? MSG_EVENTS_KEEP : MSG_EVENTS_SEND, c->serial, 0, NULL, 0);
}

/* Whatever was asked of them before. */
static void on_caught_up(void *arg)
{
	const struct monitor_link *l = arg;
	struct child *c;

	PROCESS_TABLE_FOREACH (c, l->processes)
		if (c->keeps_events && c->state != PROCESS_DEAD)
			events_ask(c, false);
}

static bool is_behind(const struct monitor_link *l)
{
	if (!l->monitor)
		return l->n_held >= BEHIND_EVENTS;
	return channel_queued_bytes(l->monitor->channel) >= BEHIND_BYTES;
}

/* It said something: is that too much by now?  What the monitor itself says is little. */
static void talker_look(struct monitor_link *l, struct child *from)
{
	if (from->keeps_events || from->process == PROCESS_MONITOR || !is_behind(l))
		return;
	series_add(l->kept[from->process], 1);
	events_ask(from, true);
}

static void monitor_begin(struct monitor_link *l, struct child *monitor)
{
	if (l->monitor)
		channel_on_fallen(l->monitor->channel, 0, NULL, NULL);
	l->monitor = monitor;
	channel_queue_max(monitor->channel, QUEUE_BYTES);
	channel_on_fallen(monitor->channel, CAUGHT_BYTES, on_caught_up, l);
	on_caught_up(l);
}

/* ---- events -------------------------------------------------------------------------------------------- */

static void event_hold(struct monitor_link *l, uint32_t from, const struct event *e)
{
	size_t at = (l->first_held + l->n_held) % HELD_EVENTS;

	l->held[at] = (struct held_event){from, *e};
	if (l->n_held < HELD_EVENTS) {
		l->n_held++;
		return;
	}
	l->first_held = (l->first_held + 1) % HELD_EVENTS; /* the log has it */
	l->n_dropped++;
}

static void event_send(struct monitor_link *l, uint32_t from, const struct event *e)
{
	const struct msg_head head = {
	    .version = MSG_VERSION, .type = MSG_EVENT, .from = from, .to = PROCESS_MONITOR, .len = sizeof *e};

	if (l->monitor)
		channel_relay(l->monitor->channel, &head, e);
	else
		event_hold(l, from, e);
}

void monitor_link_emit(struct monitor_link *l, struct event *e)
{
	e->process = PROCESS_SUPERVISOR;
	event_log(e);
	event_send(l, 0, e);
}

void monitor_link_pass(struct monitor_link *l, struct child *from, const struct event *e)
{
	event_send(l, from->serial, e);
	talker_look(l, from);
}

void monitor_link_state(struct monitor_link *l, const struct child *c)
{
	const struct msg_process m = {.process = (uint8_t)c->process,
	                              .state = (uint8_t)c->state,
	                              .serial = c->serial,
	                              .pid = c->pid,
	                              .restarts = l->processes->restarts[c->slot],
	                              .since_us = c->since_us};

	if (l->monitor)
		channel_send(l->monitor->channel, MSG_PROCESS_STATE, l->monitor->serial, 0, &m, sizeof m);
}

static void levels_send(const struct monitor_link *l, uint64_t id)
{
	if (l->monitor)
		channel_send(l->monitor->channel, MSG_LOG_LEVELS, l->monitor->serial, id, &l->levels,
		             sizeof l->levels);
}

void monitor_link_levels(struct monitor_link *l, const struct msg_log_levels *levels, uint64_t id)
{
	l->levels = *levels;
	levels_send(l, id);
}

void monitor_link_resume(struct monitor_link *l, struct child *monitor)
{
	monitor_begin(l, monitor);
}

void monitor_link_attach(struct monitor_link *l, struct child *monitor)
{
	const struct child *c;

	monitor_begin(l, monitor);
	PROCESS_TABLE_FOREACH (c, l->processes)
		monitor_link_state(l, c);
	levels_send(l, 0);
	for (; l->n_held > 0; l->n_held--) {
		const struct held_event *h = &l->held[l->first_held];

		event_send(l, h->from, &h->event);
		l->first_held = (l->first_held + 1) % HELD_EVENTS;
	}
}

void monitor_link_detach(struct monitor_link *l, const struct child *monitor)
{
	if (l->monitor != monitor)
		return;
	channel_on_fallen(monitor->channel, 0, NULL, NULL);
	l->monitor = NULL;
}
