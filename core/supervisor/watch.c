/* SPDX-License-Identifier: MIT */
/* Watching the rooms: beats, deaths, restarts with back-off. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "supervisor/supervisor_state.h"

#define BEATS_MISSED_MAX 3
#define PAUSE_MIN        0.1
#define HEALTHY_US       UINT64_C(60000000) /* after so long a crash counts as the first one again */

static const struct t3ops_metric up_family = {
    .name = "t3ops_room_up", .type = T3OPS_GAUGE, .labels = {"room"}, .help = "Whether the room is ready."};
static const struct t3ops_metric restarts_family = {.name = "t3ops_room_restarts_total",
                                                    .type = T3OPS_COUNTER,
                                                    .labels = {"room"},
                                                    .help = "Restarts of a room that ended by itself."};

static struct series *room_series(struct supervisor *s, const struct t3ops_metric *family, enum room_id room)
{
	return metrics_series(s->metrics, family, NULL, NULL, (const char *[]){room_name(room)});
}

/* Whether every process of the room is there. */
static bool is_up(const struct supervisor *s, enum room_id room)
{
	size_t ready = 0;

	for (unsigned post = 0; post < POSTS; post++) {
		const struct child *c = s->current[post];
		bool here = c && c->state == ROOM_READY;

		if (post_room(post) != room || !(c || post_is_wanted(&s->setup, post)))
			continue;
		if (!here)
			return false;
		ready++;
	}
	return ready > 0;
}

static void up_show(struct supervisor *s, enum room_id room)
{
	series_set(room_series(s, &up_family, room), is_up(s, room) ? 1 : 0);
}

void child_set_state(struct child *c, enum room_state state)
{
	c->state = state;
	c->since_us = clock_wall_us();
	room_state_tell(c->supervisor, c);
	up_show(c->supervisor, c->room);
}

/* ---- restarts ------------------------------------------------------------------------ */

static double pause_max(const struct supervisor *s)
{
	return (double)plan_int(json_object_get(s->setup.core, "core"), "restart_pause_max") / 1e6;
}

static void restart_after(struct restart *r, double pause)
{
	struct ev_loop *loop = r->supervisor->loop;

	ev_timer_stop(loop, &r->timer);
	ev_timer_set(&r->timer, pause, 0.);
	ev_timer_start(loop, &r->timer);
}

static void on_restart(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct restart *r = w->data;
	struct supervisor *s = r->supervisor;

	(void)loop, (void)revents;
	if (s->phase == PHASE_STOPPING || s->current[r->post] || !post_is_wanted(&s->setup, r->post))
		return;
	s->current[r->post] = child_spawn(s, r->post, &s->setup);
	serials_publish(s);
	if (!s->current[r->post])
		restart_after(r, pause_max(s));
}

static void restart_later(struct supervisor *s, const struct child *c)
{
	struct restart *r = &s->restarts[c->post];

	if (clock_mono_us() - c->started_us > HEALTHY_US || r->pause < PAUSE_MIN)
		r->pause = PAUSE_MIN;
	r->restarts++;
	series_add(room_series(s, &restarts_family, c->room), 1);
	log_line(LOG_L_NOTICE, "room_restart", "restarts=%u name=%s after=%.1fs", r->restarts, room_name(c->room),
	         r->pause);
	restart_after(r, r->pause);
	r->pause = r->pause * 2 < pause_max(s) ? r->pause * 2 : pause_max(s);
}

void restarts_resume(struct supervisor *s)
{
	for (unsigned i = 0; i < POST_ORDER; i++) {
		unsigned post = post_in_order(i);

		if (!s->current[post] && post_is_wanted(&s->setup, post))
			restart_after(&s->restarts[post], PAUSE_MIN);
	}
}

void restart_cancel(struct supervisor *s, unsigned post)
{
	ev_timer_stop(s->loop, &s->restarts[post].timer);
	s->restarts[post].pause = PAUSE_MIN;
}

/* ---- deaths -------------------------------------------------------------------------- */

static void death_report(struct child *c, const siginfo_t *how)
{
	const struct room_beat *beat = c->beat;
	struct event e;
	int n;

	event_init(&e, EVENT_ROOM_DIED, ROOM_SUPERVISOR);
	e.code = (uint16_t)how->si_status;
	e.age_us = clock_mono_us() - c->started_us;
	n = snprintf(e.text, sizeof e.text, "%s pid %d %s %d", room_name(c->room), (int)c->pid,
	             how->si_code == CLD_EXITED ? "exited with status" : "was ended by signal", how->si_status);
	if (n > 0 && (size_t)n < sizeof e.text && beat && beat->callback[0] != '\0') {
		event_set(e.plugin, beat->plugin);
		snprintf(e.text + n, sizeof e.text - (size_t)n, " in callback %.31s", beat->callback);
	}
	supervisor_emit(c->supervisor, &e);
}

/* Everything that ended because we asked for it. */
static void orderly_end(struct supervisor *s, enum room_id room)
{
	log_line(LOG_L_INFO, "room_ended", "room_ended=%s", room_name(room));
	if (s->phase == PHASE_STOPPING)
		supervisor_stop(s, s->exit_code);
}

void child_ended(struct child *c)
{
	struct supervisor *s = c->supervisor;
	enum room_id room = c->room;
	bool was_current, was_next, asked;
	siginfo_t how = {0};

	chan_read_rest(c->chan); /* its last words, before what follows from its death */
	was_current = s->current[c->post] == c;
	was_next = s->transition.running && s->transition.posts[c->post] == c;
	asked = c->state == ROOM_STOPPING || c->state == ROOM_DRAINING;
	waitid(P_PIDFD, (id_t)c->pidfd, &how, WEXITED | WNOHANG);
	if (was_current)
		s->current[c->post] = NULL;
	if (was_next)
		s->transition.posts[c->post] = NULL;
	if (!asked)
		death_report(c, &how);
	if (room == ROOM_FRONT)
		keep_front_ended(s, c, c->state == ROOM_STOPPING || s->phase == PHASE_STOPPING);
	c->state = ROOM_DEAD;
	room_state_tell(s, c);
	if (room == ROOM_FRONT)
		keep_give_any(s);
	if (was_current && !asked && s->phase != PHASE_STOPPING)
		restart_later(s, c);
	child_free(c);
	up_show(s, room);
	serials_publish(s);
	if (was_next && s->phase != PHASE_STOPPING)
		transition_abort(s, room_name(room));
	else if (asked || s->phase == PHASE_STOPPING)
		orderly_end(s, room);
}

/* ---- beats --------------------------------------------------------------------------- */

static void stuck_end(struct child *c)
{
	const struct room_beat *beat = c->beat;
	struct event e;

	event_init(&e, EVENT_ROOM_STUCK, ROOM_SUPERVISOR);
	if (beat && beat->callback[0] != '\0') {
		event_set(e.plugin, beat->plugin);
		e.age_us = clock_mono_us() - beat->entered_us;
		snprintf(e.text, sizeof e.text, "%s pid %d does not return from callback %.31s", room_name(c->room),
		         (int)c->pid, beat->callback);
	} else {
		snprintf(e.text, sizeof e.text, "%s pid %d does not answer", room_name(c->room), (int)c->pid);
	}
	supervisor_emit(c->supervisor, &e);
	child_kill(c);
}

/* Counts beats, not time: after a freeze of the whole machine nobody is to blame. */
static void on_beat(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct supervisor *s = w->data;
	struct child *c;

	(void)loop, (void)revents;
	TAILQ_FOREACH(c, &s->children, link)
	{
		if (c->beats_missed++ < BEATS_MISSED_MAX)
			chan_send(c->chan, MSG_BEAT, c->serial, 0, NULL, 0);
		else if (c->beats_missed == BEATS_MISSED_MAX + 1)
			stuck_end(c);
	}
}

void watch_start(struct supervisor *s)
{
	double pause = (double)plan_int(json_object_get(s->setup.core, "core"), "beat") / 1e6 / BEATS_MISSED_MAX;

	ev_timer_stop(s->loop, &s->beat);
	ev_timer_init(&s->beat, on_beat, pause, pause);
	s->beat.data = s;
	ev_timer_start(s->loop, &s->beat);
	for (unsigned i = 0; i < POSTS; i++)
		if (!s->restarts[i].supervisor) {
			ev_init(&s->restarts[i].timer, on_restart);
			s->restarts[i].timer.data = &s->restarts[i];
			s->restarts[i].supervisor = s;
			s->restarts[i].post = i;
		}
}

void watch_stop(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->beat);
	for (unsigned i = 0; i < POSTS; i++)
		ev_timer_stop(s->loop, &s->restarts[i].timer);
}
