/* SPDX-License-Identifier: MIT */
/*
 * Messages between the processes: every datagram is stamped with its sender and passed to its
 * receiver, or answered MSG_UNREACHABLE.  Who may ask whom for what is decided here.
 */
#include <string.h>

#include "supervisor/supervisor_state.h"

/* The current process of a process, or the one that is to become it. */
static struct child *process_find(struct supervisor *s, uint32_t process)
{
	if (s->current[process])
		return s->current[process];
	return s->transition.running ? s->transition.slots[process] : NULL;
}

static struct child *receiver_find(struct supervisor *s, uint32_t to)
{
	struct child *c;

	if (to < MSG_FIRST_SERIAL)
		return to < PROCESSES ? process_find(s, to) : NULL;
	TAILQ_FOREACH (c, &s->children, link)
		if (c->serial == to)
			return c;
	return NULL;
}

struct child *monitor_of(struct supervisor *s)
{
	return process_find(s, PROCESS_MONITOR);
}

/* ---- events ---------------------------------------------------------------------------- */

static void event_hold(struct supervisor *s, const struct event *e)
{
	size_t at = (s->first_held + s->n_held) % HELD_EVENTS;

	s->held[at] = *e;
	if (s->n_held < HELD_EVENTS)
		s->n_held++;
	else
		s->first_held = (s->first_held + 1) % HELD_EVENTS; /* the oldest goes; the log has it */
}

void event_to_monitor(struct supervisor *s, const struct event *e)
{
	struct child *monitor = monitor_of(s);

	if (monitor)
		channel_send(monitor->channel, MSG_EVENT, monitor->serial, 0, e, sizeof *e);
	else
		event_hold(s, e);
}

static void process_state_send(struct child *monitor, const struct child *c)
{
	struct msg_process m = {.process = (uint8_t)c->process,
	                        .state = (uint8_t)c->state,
	                        .serial = c->serial,
	                        .pid = c->pid,
	                        .restarts = c->supervisor->restarts[c->slot].restarts,
	                        .since_us = c->since_us};

	channel_send(monitor->channel, MSG_ROOM_STATE, monitor->serial, 0, &m, sizeof m);
}

void process_state_report(struct supervisor *s, const struct child *c)
{
	struct child *monitor = monitor_of(s);

	if (monitor && monitor->state == PROCESS_READY)
		process_state_send(monitor, c);
}

/* A new monitor learns what there is, and what happened while there was none. */
void monitor_greet(struct supervisor *s)
{
	struct child *monitor = monitor_of(s), *c;

	TAILQ_FOREACH (c, &s->children, link)
		process_state_send(monitor, c);
	for (; s->n_held > 0; s->n_held--) {
		channel_send(monitor->channel, MSG_EVENT, monitor->serial, 0, &s->held[s->first_held],
		             sizeof s->held[0]);
		s->first_held = (s->first_held + 1) % HELD_EVENTS;
	}
}

/* ---- passing on -------------------------------------------------------------------------- */

/* Only these processes may have programs started. */
static bool may_send(const struct child *from, const struct msg_head *head)
{
	switch (head->type) {
	case MSG_RUN:
		return from->process == PROCESS_PROXY || from->process == PROCESS_JOBS ||
		       from->process == PROCESS_MONITOR;
	case MSG_RAN:
		return from->process == PROCESS_HELPER;
	case MSG_PROBE:
	case MSG_JOB_NOW:
		return from->process == PROCESS_MONITOR;
	case MSG_JOB_DONE:
		return from->process == PROCESS_JOBS;
	case MSG_EVENT:
		return head->len == sizeof(struct event);
	default:
		return false;
	}
}

/* Fronts that drain hold tunnels, too. */
static void probe_pass(struct supervisor *s, const struct msg_head *head, const void *payload)
{
	struct child *c;

	TAILQ_FOREACH (c, &s->children, link)
		if (c->process == PROCESS_PROXY)
			channel_relay(c->channel, head, payload);
}

/* What keeps a process from getting ready. */
static void config_error_note(struct child *from, const struct event *e)
{
	struct transition *t = &from->supervisor->transition;

	if (from->state == PROCESS_STARTING && t->running && t->slots[from->slot] == from &&
	    event_kind_level((enum event_kind)e->kind) == LOG_L_ERROR)
		event_set(t->config_error, e->text);
}

static void pass(struct child *from, struct msg_head *head, const void *payload)
{
	struct supervisor *s = from->supervisor;
	struct child *to;

	if (!may_send(from, head)) {
		log_line(LOG_L_WARNING, "message_refused", "from=%s type=%u to=%u", process_name(from->process),
		         head->type, head->to);
		return;
	}
	if (head->type == MSG_PROBE && head->to == PROCESS_PROXY) {
		probe_pass(s, head, payload);
		return;
	}
	if (head->type == MSG_EVENT)
		config_error_note(from, payload);
	to = receiver_find(s, head->to);
	if (to)
		channel_relay(to->channel, head, payload);
	else if (head->type == MSG_EVENT)
		event_hold(s, payload);
	else
		channel_send(from->channel, MSG_UNREACHABLE, from->serial, head->id, NULL, 0);
}

static void on_ready(struct child *c)
{
	struct supervisor *s = c->supervisor;
	struct event e;

	if (c->state != PROCESS_STARTING)
		return;
	child_set_state(c, PROCESS_READY);
	if (c == monitor_of(s))
		monitor_greet(s);
	if (c->process == PROCESS_PROXY) {
		fd_store_transfer(s, c);
		handovers_arrange(s); /* to one that was started again */
	}
	event_init(&e, EVENT_PROCESS_STARTED, PROCESS_SUPERVISOR);
	event_set(e.text, process_name(c->process));
	e.id = (uint64_t)c->pid;
	supervisor_emit(s, &e);
	if (s->transition.running)
		transition_step(s);
}

void router_message(void *arg, const struct msg_head *received, const void *payload)
{
	struct child *c = arg;
	struct msg_head head = *received;

	head.from = c->serial;
	if (head.to != PROCESS_SUPERVISOR)
		pass(c, &head, payload);
	else if (head.type == MSG_READY)
		on_ready(c);
	else if (head.type == MSG_WATCHDOG_PING)
		c->pings_missed = 0;
	else if (head.type == MSG_FD_PUT || head.type == MSG_FD_DROP)
		fd_store_message(c, &head, payload);
	else if (head.type == MSG_RELOAD && c->process == PROCESS_MONITOR)
		reload_begin(c->supervisor, (struct requester){c->serial, head.id});
}

void router_closed(void *arg)
{
	(void)arg; /* the process is ending: its pidfd tells the rest */
}
