/* SPDX-License-Identifier: MIT */
/*
 * From one configuration to the next, whole or not at all: bind what is new, start every room whose
 * spec changed, and when all of them are ready let the old ones drain or stop.  Boot is a transition
 * from nothing; taking over from an earlier binary is one in which everything changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"

#define TRANSITION_LIMIT 60.0 /* seconds for all rooms to get ready */

/* ---- making a setup ---------------------------------------------------------------------- */

struct complaints {
	char *first;
	size_t size;
};

static void on_complaint(void *arg, const char *line)
{
	struct complaints *c = arg;
	char quoted[1024];

	log_quote(quoted, sizeof quoted, line);
	log_line(LOG_L_ERROR, "config", "reason=%s", quoted);
	if (c->first[0] == '\0')
		event_copy(c->first, c->size, line);
}

static json_t *listeners_json(const struct listeners *l, enum room_id room)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		if (listener_room(&l->rows[i].listener) == room && l->rows[i].worker == 0)
			json_array_append_new(list, json_string(l->rows[i].configured));
	return list;
}

/* Everything that a room's process is made from: two equal specs need no new process. */
static json_t *spec_make(const struct setup *setup, enum room_id room)
{
	const json_t *options = json_object_get(setup->core, "core");
	json_t *slice = plan_slice(setup->core, setup->plugins, room);

	if (!slice)
		return NULL;
	return json_pack("{s:o, s:o, s:s, s:s}", "slice", slice, "listeners", listeners_json(&setup->listeners, room),
	                 "user", plan_string(options, "user"), "log_level", plan_string(options, "log_level"));
}

static bool room_is_wanted(const struct setup *setup, enum room_id room)
{
	json_t *slice = plan_slice(setup->core, setup->plugins, room);

	json_decref(slice);
	return slice != NULL;
}

int setup_make(struct supervisor *s, struct setup *out, const struct conf_text *conf, char *why, size_t why_size)
{
	struct complaints complaints = {why, why_size};
	int r;

	memset(out, 0, sizeof *out);
	why[0] = '\0';
	r = plan_make_in_child(conf, on_complaint, &complaints, &out->core, &out->plugins);
	if (r < 0)
		return r;
	r = listeners_bind(&out->listeners, json_object_get(out->core, "core"), room_is_wanted(out, ROOM_FRONT),
	                   &s->setup.listeners);
	if (r < 0) {
		snprintf(why, why_size, "a listening address cannot be bound: %s", strerror(-r));
		setup_fini(out, &s->setup.listeners);
		return r;
	}
	for (unsigned room = 0; room < ROOMS; room++)
		out->specs[room] = spec_make(out, (enum room_id)room);
	return 0;
}

bool post_is_wanted(const struct setup *setup, unsigned post)
{
	return setup->specs[post_room(post)] &&
	       (post < ROOMS || post_worker(post) < plan_int(json_object_get(setup->core, "core"), "workers"));
}

void setup_fini(struct setup *setup, const struct listeners *others)
{
	json_decref(setup->core);
	json_decref(setup->plugins);
	for (unsigned i = 0; i < ROOMS; i++)
		json_decref(setup->specs[i]);
	listeners_close(&setup->listeners, others);
	conf_text_fini(&setup->conf);
	memset(setup, 0, sizeof *setup);
}

/* ---- the transition ------------------------------------------------------------------------ */

static void answer(struct supervisor *s, struct asker asker, int error, const char *text)
{
	struct msg_answer a = {.error = error};
	struct child *c;

	event_set(a.text, text);
	TAILQ_FOREACH(c, &s->children, link)
	if (asker.serial > 0 && c->serial == asker.serial)
		chan_send(c->chan, MSG_RELOADED, c->serial, asker.id, &a, sizeof a);
}

static void refusal_report(struct supervisor *s, struct asker asker, int error, const char *why)
{
	struct event e;

	event_init(&e, EVENT_RELOAD_REFUSED, ROOM_SUPERVISOR);
	event_set(e.text, why);
	supervisor_emit(s, &e);
	answer(s, asker, error, why);
}

/* The two fronts settle the rest between them: the old one's tunnels go over this socket. */
static void handover_arrange(struct child *from, struct child *to)
{
	int fds[2], r = chan_pair(fds);

	if (r < 0) {
		log_line(LOG_L_WARNING, "handover_failed",
		         "error=\"%s\" effect=\"the old front stays until its tunnels end\"", strerror(-r));
		return;
	}
	chan_send_fds(to->chan, MSG_TAKE, to->serial, 0, NULL, 0, &fds[0], 1);
	chan_send_fds(from->chan, MSG_GIVE, from->serial, to->serial, NULL, 0, &fds[1], 1);
	from->heir = to->serial;
	close(fds[0]);
	close(fds[1]);
}

/* A worker that is no more leaves its tunnels to the first one. */
static struct child *heir_of(const struct supervisor *s, const struct child *old)
{
	struct child *own = s->current[old->post], *heir = own ? own : s->current[ROOM_FRONT];

	return heir && heir->state == ROOM_READY ? heir : NULL;
}

void handovers_arrange(struct supervisor *s)
{
	struct child *c, *heir;

	TAILQ_FOREACH(c, &s->children, link)
	if (c->room == ROOM_FRONT && c->state == ROOM_DRAINING) {
		heir = heir_of(s, c);
		if (heir && heir->serial != c->heir)
			handover_arrange(c, heir);
	}
}

static void old_room_end(struct supervisor *s, struct child *old)
{
	uint64_t limit_us = (uint64_t)plan_int(json_object_get(s->setup.core, "core"), "drain_timeout");

	if (!old)
		return;
	if (old->room != ROOM_FRONT || limit_us == 0) {
		child_stop(old);
		return;
	}
	child_drain(old, limit_us);
}

/* A worker that was ready before a later one failed has users already: they go to those in force. */
static void attempt_end(struct supervisor *s, struct child *c)
{
	if (s->phase != PHASE_BOOT && c->state == ROOM_READY)
		old_room_end(s, c);
	else
		child_stop(c);
}

void transition_abort(struct supervisor *s, const char *room)
{
	struct transition *t = &s->transition;
	char why[320];

	ev_timer_stop(s->loop, &t->deadline);
	for (unsigned i = 0; i < POSTS; i++)
		if (t->posts[i]) {
			attempt_end(s, t->posts[i]);
			t->posts[i] = NULL;
		}
	handovers_arrange(s);
	t->running = false;
	setup_fini(&t->next, &s->setup.listeners);
	snprintf(why, sizeof why, "room %s did not get ready: %s", room,
	         t->complaint[0] != '\0' ? t->complaint : "its own lines above say why");
	if (s->phase == PHASE_BOOT) {
		log_line(LOG_L_ERROR, "start_failed", "reason=\"%s\"", why);
		supervisor_stop(s, EXIT_FAILURE);
	} else {
		refusal_report(s, t->asker, -ECANCELED, why);
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
	answer(s, t->asker, 0, "the new configuration is in force"); /* the one who asked may be about to end */
	for (unsigned i = 0; i < POST_ORDER; i++) {
		unsigned post = post_in_order(i);
		struct child *before = s->current[post];

		if (!t->posts[post] && post_is_wanted(&s->setup, post))
			continue; /* it stays */
		restart_cancel(s, post);
		s->current[post] = t->posts[post];
		t->posts[post] = NULL;
		old_room_end(s, before);
	}
	handovers_arrange(s);
	if (!s->setup.specs[ROOM_FRONT])
		keep_nothing(s);
	setup_fini(&old, &s->setup.listeners);
	watch_start(s);
	serials_publish(s);
	event_init(&e, t->done, ROOM_SUPERVISOR);
	event_set(e.text, s->setup.conf.path);
	if (s->phase == PHASE_RUNNING)
		supervisor_emit(s, &e);
	supervisor_ready(s);
}

static bool is_unchanged(const struct supervisor *s, unsigned post)
{
	return !s->transition.everything && s->current[post] && s->current[post]->state == ROOM_READY &&
	       json_equal(s->current[post]->spec, s->transition.next.specs[post_room(post)]);
}

/* Starts the next room, or commits when there is none left; called again at every MSG_READY. */
void transition_step(struct supervisor *s)
{
	struct transition *t = &s->transition;

	for (unsigned i = 0; i < POST_ORDER; i++) {
		unsigned post = post_in_order(i);
		const struct child *c = t->posts[post];

		if (c && c->state == ROOM_STARTING)
			return; /* one after the other */
		if (c || !post_is_wanted(&t->next, post) || is_unchanged(s, post))
			continue;
		t->posts[post] = child_spawn(s, post, &t->next);
		serials_publish(s);
		if (!t->posts[post])
			transition_abort(s, room_name(post_room(post)));
		return;
	}
	commit(s);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct supervisor *s = w->data;
	const char *late = "that was starting";

	(void)loop, (void)revents;
	for (unsigned i = 0; i < POSTS; i++)
		if (s->transition.posts[i] && s->transition.posts[i]->state == ROOM_STARTING)
			late = room_name(post_room(i));
	transition_abort(s, late);
}

/* everything: no room counts as unchanged.  Takes what next holds. */
void transition_begin(struct supervisor *s, struct setup *next, bool everything, struct asker asker,
                      enum event_kind done)
{
	struct transition *t = &s->transition;

	t->running = true;
	t->complaint[0] = '\0';
	t->next = *next;
	t->asker = asker;
	t->done = done;
	memset(next, 0, sizeof *next);
	t->everything = everything;
	ev_timer_stop(s->loop, &t->deadline);
	ev_timer_init(&t->deadline, on_deadline, TRANSITION_LIMIT, 0.);
	t->deadline.data = s;
	ev_timer_start(s->loop, &t->deadline);
	transition_step(s);
}

void reload_begin(struct supervisor *s, struct asker asker)
{
	struct conf_text conf;
	struct setup next;
	char why[320];
	int r;

	if (s->transition.running || s->phase != PHASE_RUNNING) {
		answer(s, asker, -EBUSY, "a reload is under way already");
		log_line(LOG_L_WARNING, "reload_refused", "reason=\"a reload is under way already\"");
		return;
	}
	r = conf_text_read(&conf, s->args->conf_path);
	if (r < 0) {
		snprintf(why, sizeof why, "%.200s: %s", s->args->conf_path, strerror(-r));
		refusal_report(s, asker, r, why);
		return;
	}
	r = setup_make(s, &next, &conf, why, sizeof why);
	if (r < 0) {
		conf_text_fini(&conf);
		refusal_report(s, asker, r, why);
		return;
	}
	next.conf = conf;
	transition_begin(s, &next, false, asker, EVENT_RELOADED);
}
