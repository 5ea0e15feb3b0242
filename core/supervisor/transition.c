/* SPDX-License-Identifier: MIT */
/* Replacing processes; see transition.h. */
#include "supervisor/transition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/drains.h"
#include "supervisor/handover_pairing.h"
#include "supervisor/listener_store.h"

#define TRANSITION_LIMIT 60.0 /* seconds for all processes to get ready */

/* ---- the end -------------------------------------------------------------------------------------------- */

/* One that has no slot any more: a proxy may finish what it has. */
static void old_process_end(struct supervisor *s, struct child *old)
{
	uint64_t limit_us = s->setup.config->options.drain_timeout_us;

	if (old->process == PROCESS_PROXY && limit_us > 0)
		child_drain(old, limit_us);
	else
		child_stop(old);
}

/* A worker that was ready before a later one failed has users already: they go to those that stay. */
static void attempt_end(struct supervisor *s, struct child *c)
{
	bool serves = s->phase != PHASE_BOOT && c->state == PROCESS_READY;

	process_table_retire(&s->processes, c);
	if (serves)
		old_process_end(s, c);
	else
		child_stop(c);
}

static void transition_abort(struct supervisor *s, int error, const char *why)
{
	struct transition *t = &s->transition;

	ev_timer_stop(s->loop, &t->deadline);
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++)
		if (s->processes.next[slot])
			attempt_end(s, s->processes.next[slot]);
	handovers_pair(&s->processes);
	t->running = false;
	setup_fini(&t->next, &s->setup);
	t->done(s, error, why);
}

static void process_failed(struct supervisor *s, enum process_id process, const char *why)
{
	char text[WHY_SIZE];

	snprintf(text, sizeof text, "process %s did not get ready: %s", process_name(process), why);
	transition_abort(s, -ECANCELED, text);
}

void transition_child_exited(struct supervisor *s, const struct child *c)
{
	process_failed(s, c->process,
	               c->start_error[0] != '\0' ? c->start_error : "its own lines in the log say why");
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct supervisor *s = w->data;
	enum process_id late = PROCESS_NONE;

	(void)loop, (void)revents;
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++)
		if (s->processes.next[slot] && s->processes.next[slot]->state == PROCESS_STARTING)
			late = process_of_slot(slot);
	process_failed(s, late, "it took too long");
}

/* Gives the slots to the new processes; the old ones are in old[], their number is returned. */
static size_t slots_switch(struct supervisor *s, struct child *old[PROCESS_SLOTS])
{
	struct process_table *p = &s->processes;
	size_t n = 0;

	for (unsigned i = 0; i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);

		if (!p->next[slot] && setup_wants(&s->setup, slot))
			continue; /* it stays */
		restart_cancel(&s->restarts, slot);
		if (p->current[slot])
			old[n++] = p->current[slot];
		p->current[slot] = p->next[slot];
		p->next[slot] = NULL;
	}
	return n;
}

/* Everything new is ready: it becomes what is current.  Who asked is answered before the old processes end, for it
 * may be one of them. */
static void commit(struct supervisor *s)
{
	struct transition *t = &s->transition;
	struct child *old[PROCESS_SLOTS], *monitor;
	struct setup before = s->setup;
	size_t n;

	ev_timer_stop(s->loop, &t->deadline);
	s->setup = t->next;
	t->next = (struct setup){0};
	t->running = false;
	n = slots_switch(s, old);
	monitor = s->processes.current[PROCESS_MONITOR];
	if (monitor && monitor->state == PROCESS_READY && monitor != s->monitor.monitor)
		monitor_link_attach(&s->monitor, monitor);
	listener_store_update(&s->setup.listeners, &before.listeners);
	t->done(s, 0, "");
	for (size_t i = 0; i < n; i++)
		old_process_end(s, old[i]);
	drains_bound(s);
	handovers_pair(&s->processes);
	if (!process_is_wanted(s->setup.config, PROCESS_PROXY))
		fd_store_cut(&s->fd_store);
	setup_fini(&before, &s->setup);
}

/* ---- the way there ---------------------------------------------------------------------------------------- */

static bool is_unchanged(const struct supervisor *s, unsigned slot)
{
	const struct child *c = s->processes.current[slot];

	return !s->transition.everything && c && c->state == PROCESS_READY &&
	       process_config_equal(s->setup.config, s->transition.next.config, c->process) &&
	       listeners_are_shared(&s->transition.next.listeners, &s->setup.listeners, c->process);
}

static bool is_starting(const struct child *c)
{
	return c && c->state == PROCESS_STARTING;
}

/* Where nobody is served yet nothing is handed over, and each may read a table of many users for itself, once there
 * are those whom they tell of it. */
static bool starts_beside_others(const struct supervisor *s, unsigned slot)
{
	enum process_id process = process_of_slot(slot);

	return s->phase == PHASE_BOOT && process != PROCESS_HELPER && process != PROCESS_MONITOR;
}

void transition_step(struct supervisor *s)
{
	struct transition *t = &s->transition;
	struct process_table *p = &s->processes;
	bool waits = false;

	for (unsigned i = 0; t->running && i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);

		if (is_starting(p->next[slot]) && !starts_beside_others(s, slot))
			return; /* one after the other */
		waits = waits || is_starting(p->next[slot]);
		if (p->next[slot] || !setup_wants(&t->next, slot) || is_unchanged(s, slot))
			continue;
		p->next[slot] = process_table_spawn(p, slot, &t->next, s->phase != PHASE_BOOT);
		if (!p->next[slot])
			process_failed(s, process_of_slot(slot), "it cannot be started");
		else if (!starts_beside_others(s, slot))
			return;
		waits = true;
	}
	if (t->running && !waits)
		commit(s);
}

void transition_begin(struct supervisor *s, struct setup *next, bool everything, outcome_cb done)
{
	struct transition *t = &s->transition;

	t->running = true;
	t->everything = everything;
	t->done = done;
	t->next = *next;
	*next = (struct setup){0};
	ev_timer_stop(s->loop, &t->deadline);
	ev_timer_init(&t->deadline, on_deadline, TRANSITION_LIMIT, 0.);
	t->deadline.data = s;
	ev_timer_start(s->loop, &t->deadline);
	transition_step(s);
}

void transition_cancel(struct supervisor *s)
{
	struct transition *t = &s->transition;

	if (!t->running)
		return;
	ev_timer_stop(s->loop, &t->deadline);
	t->running = false;
	setup_fini(&t->next, &s->setup);
}
