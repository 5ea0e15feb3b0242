/* SPDX-License-Identifier: MIT */
/*
 * From one configuration to the next, whole or not at all: bind what is new, start every process whose
 * part of it changed, and when all of them are ready let the old ones drain or stop.  Boot is a transition
 * from nothing; taking over from an earlier binary is one in which everything changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"

#define TRANSITION_LIMIT 60.0 /* seconds for all processes to get ready */

/* ---- making a setup ---------------------------------------------------------------------- */

struct config_errors {
	char *first;
	size_t size;
};

static void on_config_error(void *arg, const char *line)
{
	struct config_errors *c = arg;
	char quoted[1024];

	log_quote(quoted, sizeof quoted, line);
	log_line(LOG_L_ERROR, "config", "reason=%s", quoted);
	if (c->first[0] == '\0')
		event_copy(c->first, c->size, line);
}

int setup_make(struct supervisor *s, struct setup *out, const struct conf_text *conf, char *why, size_t why_size)
{
	struct config_errors config_errors = {why, why_size};
	int r;

	memset(out, 0, sizeof *out);
	why[0] = '\0';
	out->config = resolve_in_child(conf, on_config_error, &config_errors);
	if (!out->config)
		return -errno;
	r = listeners_bind(&out->listeners, &out->config->options, process_is_wanted(out->config, PROCESS_PROXY),
	                   &s->setup.listeners);
	if (r < 0) {
		snprintf(why, why_size, "a listening address cannot be bound: %s", strerror(-r));
		setup_fini(out, &s->setup.listeners);
	}
	return r;
}

bool process_slot_is_wanted(const struct setup *setup, unsigned slot)
{
	return setup->config && process_is_wanted(setup->config, process_of_slot(slot)) &&
	       (slot < PROCESSES || process_slot_worker(slot) < setup->config->options.workers);
}

void setup_fini(struct setup *setup, const struct listeners *others)
{
	resolved_config_free(setup->config);
	listeners_close(&setup->listeners, others);
	conf_text_fini(&setup->conf);
	memset(setup, 0, sizeof *setup);
}

/* ---- the transition ------------------------------------------------------------------------ */

static void answer(struct supervisor *s, struct requester requester, int error, const char *text)
{
	struct msg_reply a = {.error = error};
	struct child *c;

	event_set(a.text, text);
	TAILQ_FOREACH (c, &s->children, link)
		if (requester.serial > 0 && c->serial == requester.serial)
			channel_send(c->channel, MSG_RELOADED, c->serial, requester.id, &a, sizeof a);
}

static void refusal_report(struct supervisor *s, struct requester requester, int error, const char *why)
{
	struct event e;

	event_init(&e, EVENT_RELOAD_REFUSED, PROCESS_SUPERVISOR);
	event_set(e.text, why);
	supervisor_emit(s, &e);
	answer(s, requester, error, why);
}

/* The two proxies settle the rest between them: the old one's tunnels go over this socket. */
static void handover_arrange(struct child *from, struct child *to)
{
	int fds[2], r = channel_pair(fds);

	if (r < 0) {
		log_line(LOG_L_WARNING, "handover_failed",
		         "error=\"%s\" effect=\"the old proxy stays until its tunnels end\"", strerror(-r));
		return;
	}
	channel_send_fds(to->channel, MSG_TAKE, to->serial, 0, NULL, 0, &fds[0], 1);
	channel_send_fds(from->channel, MSG_GIVE, from->serial, to->serial, NULL, 0, &fds[1], 1);
	from->successor = to->serial;
	close(fds[0]);
	close(fds[1]);
}

/* A worker that is no more leaves its tunnels to the first one. */
static struct child *successor_of(const struct supervisor *s, const struct child *old)
{
	struct child *own = s->current[old->slot], *successor = own ? own : s->current[PROCESS_PROXY];

	return successor && successor->state == PROCESS_READY ? successor : NULL;
}

void handovers_arrange(struct supervisor *s)
{
	struct child *c, *successor;

	TAILQ_FOREACH (c, &s->children, link)
		if (c->process == PROCESS_PROXY && c->state == PROCESS_DRAINING) {
			successor = successor_of(s, c);
			if (successor && successor->serial != c->successor)
				handover_arrange(c, successor);
		}
}

static void old_room_end(struct supervisor *s, struct child *old)
{
	uint64_t limit_us = s->setup.config->options.drain_timeout_us;

	if (!old)
		return;
	if (old->process != PROCESS_PROXY || limit_us == 0) {
		child_stop(old);
		return;
	}
	child_drain(old, limit_us);
}

/* A worker that was ready before a later one failed has users already: they go to those in force. */
static void attempt_end(struct supervisor *s, struct child *c)
{
	if (s->phase != PHASE_BOOT && c->state == PROCESS_READY)
		old_room_end(s, c);
	else
		child_stop(c);
}

void transition_abort(struct supervisor *s, const char *process)
{
	struct transition *t = &s->transition;
	char why[320];

	ev_timer_stop(s->loop, &t->deadline);
	for (unsigned i = 0; i < PROCESS_SLOTS; i++)
		if (t->slots[i]) {
			attempt_end(s, t->slots[i]);
			t->slots[i] = NULL;
		}
	handovers_arrange(s);
	t->running = false;
	setup_fini(&t->next, &s->setup.listeners);
	snprintf(why, sizeof why, "process %s did not get ready: %s", process,
	         t->config_error[0] != '\0' ? t->config_error : "its own lines above say why");
	if (s->phase == PHASE_BOOT) {
		log_line(LOG_L_ERROR, "start_failed", "reason=\"%s\"", why);
		supervisor_stop(s, EXIT_FAILURE);
	} else {
		refusal_report(s, t->requester, -ECANCELED, why);
	}
}

/* Everything new is ready: it becomes what is current. */
static void commit(struct supervisor *s)
{
	struct transition *t = &s->transition;
	struct setup old = s->setup;
	struct event e;

	ev_timer_stop(s->loop, &t->deadline);
	s->setup = t->next;
	memset(&t->next, 0, sizeof t->next);
	t->running = false;
	answer(s, t->requester, 0, "the new configuration is in force"); /* the one who asked may be about to end */
	for (unsigned i = 0; i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);
		struct child *before = s->current[slot];

		if (!t->slots[slot] && process_slot_is_wanted(&s->setup, slot))
			continue; /* it stays */
		restart_cancel(s, slot);
		s->current[slot] = t->slots[slot];
		t->slots[slot] = NULL;
		old_room_end(s, before);
	}
	handovers_arrange(s);
	if (!process_is_wanted(s->setup.config, PROCESS_PROXY))
		fd_store_cut(s);
	setup_fini(&old, &s->setup.listeners);
	watch_start(s);
	serials_publish(s);
	event_init(&e, t->done, PROCESS_SUPERVISOR);
	event_set(e.text, s->setup.conf.path);
	if (s->phase == PHASE_RUNNING)
		supervisor_emit(s, &e);
	supervisor_ready(s);
}

static bool is_unchanged(const struct supervisor *s, unsigned slot)
{
	return !s->transition.everything && s->current[slot] && s->current[slot]->state == PROCESS_READY &&
	       process_config_equal(s->setup.config, s->transition.next.config, process_of_slot(slot));
}

/* Starts the next process, or commits when there is none left; called again at every MSG_READY. */
void transition_step(struct supervisor *s)
{
	struct transition *t = &s->transition;

	for (unsigned i = 0; i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);
		const struct child *c = t->slots[slot];

		if (c && c->state == PROCESS_STARTING)
			return; /* one after the other */
		if (c || !process_slot_is_wanted(&t->next, slot) || is_unchanged(s, slot))
			continue;
		t->slots[slot] = child_spawn(s, slot, &t->next);
		serials_publish(s);
		if (!t->slots[slot])
			transition_abort(s, process_name(process_of_slot(slot)));
		return;
	}
	commit(s);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct supervisor *s = w->data;
	const char *late = "that was starting";

	(void)loop, (void)revents;
	for (unsigned i = 0; i < PROCESS_SLOTS; i++)
		if (s->transition.slots[i] && s->transition.slots[i]->state == PROCESS_STARTING)
			late = process_name(process_of_slot(i));
	transition_abort(s, late);
}

/* everything: no process counts as unchanged.  Takes what next holds. */
void transition_begin(struct supervisor *s, struct setup *next, bool everything, struct requester requester,
                      enum event_kind done)
{
	struct transition *t = &s->transition;

	t->running = true;
	t->config_error[0] = '\0';
	t->next = *next;
	t->requester = requester;
	t->done = done;
	memset(next, 0, sizeof *next);
	t->everything = everything;
	ev_timer_stop(s->loop, &t->deadline);
	ev_timer_init(&t->deadline, on_deadline, TRANSITION_LIMIT, 0.);
	t->deadline.data = s;
	ev_timer_start(s->loop, &t->deadline);
	transition_step(s);
}

void reload_begin(struct supervisor *s, struct requester requester)
{
	struct conf_text conf;
	struct setup next;
	char why[320];
	int r;

	if (s->transition.running || s->phase != PHASE_RUNNING) {
		answer(s, requester, -EBUSY, "a reload is under way already");
		log_line(LOG_L_WARNING, "reload_refused", "reason=\"a reload is under way already\"");
		return;
	}
	r = conf_text_read(&conf, s->args->conf_path);
	if (r < 0) {
		snprintf(why, sizeof why, "%.200s: %s", s->args->conf_path, strerror(-r));
		refusal_report(s, requester, r, why);
		return;
	}
	r = setup_make(s, &next, &conf, why, sizeof why);
	if (r < 0) {
		conf_text_fini(&conf);
		refusal_report(s, requester, r, why);
		return;
	}
	next.conf = conf;
	transition_begin(s, &next, false, requester, EVENT_RELOADED);
}
