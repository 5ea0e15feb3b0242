/* SPDX-License-Identifier: MIT */
/*
 * Messages between the rooms: every datagram is stamped with its sender and passed to its
 * receiver, or answered MSG_UNREACHABLE.  Who may ask whom for what is decided here.
 */
#include <string.h>

#include "supervisor/supervisor_state.h"

/* The current process of a room, or the one that is to become it. */
static struct child *room_find(struct supervisor *s, uint32_t room)
{
	if (s->current[room])
		return s->current[room];
	return s->transition.running ? s->transition.posts[room] : NULL;
}

static struct child *receiver_find(struct supervisor *s, uint32_t to)
{
	struct child *c;

	if (to < MSG_FIRST_SERIAL)
		return to < ROOMS ? room_find(s, to) : NULL;
	TAILQ_FOREACH(c, &s->children, link)
	if (c->serial == to)
		return c;
	return NULL;
}

struct child *desk_of(struct supervisor *s)
{
	return room_find(s, ROOM_DESK);
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

void event_to_desk(struct supervisor *s, const struct event *e)
{
	struct child *desk = desk_of(s);

	if (desk)
		chan_send(desk->chan, MSG_EVENT, desk->serial, 0, e, sizeof *e);
	else
		event_hold(s, e);
}

static void room_state_send(struct child *desk, const struct child *c)
{
	struct msg_room m = {.room = (uint8_t)c->room,
	                     .state = (uint8_t)c->state,
	                     .serial = c->serial,
	                     .pid = c->pid,
	                     .restarts = c->supervisor->restarts[c->post].restarts,
	                     .since_us = c->since_us};

	chan_send(desk->chan, MSG_ROOM_STATE, desk->serial, 0, &m, sizeof m);
}

void room_state_tell(struct supervisor *s, const struct child *c)
{
	struct child *desk = desk_of(s);

	if (desk && desk->state == ROOM_READY)
		room_state_send(desk, c);
}

/* A new desk learns what there is, and what happened while there was none. */
void desk_greet(struct supervisor *s)
{
	struct child *desk = desk_of(s), *c;

	TAILQ_FOREACH(c, &s->children, link)
	room_state_send(desk, c);
	for (; s->n_held > 0; s->n_held--) {
		chan_send(desk->chan, MSG_EVENT, desk->serial, 0, &s->held[s->first_held], sizeof s->held[0]);
		s->first_held = (s->first_held + 1) % HELD_EVENTS;
	}
}

/* ---- passing on -------------------------------------------------------------------------- */

/* Only these rooms may have programs started. */
static bool may_send(const struct child *from, const struct msg_head *head)
{
	switch (head->type) {
	case MSG_RUN:
		return from->room == ROOM_FRONT || from->room == ROOM_JOBS || from->room == ROOM_DESK;
	case MSG_RAN:
		return from->room == ROOM_RUNNER;
	case MSG_PROBE:
	case MSG_JOB_NOW:
		return from->room == ROOM_DESK;
	case MSG_JOB_DONE:
		return from->room == ROOM_JOBS;
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

	TAILQ_FOREACH(c, &s->children, link)
	if (c->room == ROOM_FRONT)
		chan_relay(c->chan, head, payload);
}

/* What keeps a room from getting ready. */
static void complaint_note(struct child *from, const struct event *e)
{
	struct transition *t = &from->supervisor->transition;

	if (from->state == ROOM_STARTING && t->running && t->posts[from->post] == from &&
	    event_kind_level((enum event_kind)e->kind) == LOG_L_ERROR)
		event_set(t->complaint, e->text);
}

static void pass(struct child *from, struct msg_head *head, const void *payload)
{
	struct supervisor *s = from->supervisor;
	struct child *to;

	if (!may_send(from, head)) {
		log_line(LOG_L_WARNING, "message_refused", "from=%s type=%u to=%u", room_name(from->room), head->type,
		         head->to);
		return;
	}
	if (head->type == MSG_PROBE && head->to == ROOM_FRONT) {
		probe_pass(s, head, payload);
		return;
	}
	if (head->type == MSG_EVENT)
		complaint_note(from, payload);
	to = receiver_find(s, head->to);
	if (to)
		chan_relay(to->chan, head, payload);
	else if (head->type == MSG_EVENT)
		event_hold(s, payload);
	else
		chan_send(from->chan, MSG_UNREACHABLE, from->serial, head->id, NULL, 0);
}

static void on_ready(struct child *c)
{
	struct supervisor *s = c->supervisor;
	struct event e;

	if (c->state != ROOM_STARTING)
		return;
	child_set_state(c, ROOM_READY);
	if (c == desk_of(s))
		desk_greet(s);
	if (c->room == ROOM_FRONT) {
		keep_give(s, c);
		handovers_arrange(s); /* to one that was started again */
	}
	event_init(&e, EVENT_ROOM_STARTED, ROOM_SUPERVISOR);
	event_set(e.text, room_name(c->room));
	e.id = (uint64_t)c->pid;
	supervisor_emit(s, &e);
	if (s->transition.running)
		transition_step(s);
}

void switchboard_message(void *arg, const struct msg_head *received, const void *payload)
{
	struct child *c = arg;
	struct msg_head head = *received;

	head.from = c->serial;
	if (head.to != ROOM_SUPERVISOR)
		pass(c, &head, payload);
	else if (head.type == MSG_READY)
		on_ready(c);
	else if (head.type == MSG_BEAT)
		c->beats_missed = 0;
	else if (head.type == MSG_KEEP || head.type == MSG_LET_GO)
		keep_message(c, &head, payload);
	else if (head.type == MSG_RELOAD && c->room == ROOM_DESK)
		reload_begin(c->supervisor, (struct asker){c->serial, head.id});
}

void switchboard_closed(void *arg)
{
	(void)arg; /* the process is ending: its pidfd tells the rest */
}
