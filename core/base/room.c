/* SPDX-License-Identifier: MIT */
/* What all rooms share: the loop, the beat, the lag, the end; see room.h. */
#include "base/room.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plan.h"
#include "base/sandbox.h"

#define LAG_TICK_US   100000
#define LAG_REPORT_US 500000 /* a loop late by more was frozen */
#define LAST_WORDS_MS 200

/* What room_run needs beside the room. */
struct run {
	struct room *room;
	struct ev_timer tick;
	struct ev_signal term;
	uint64_t ticked_us;
	struct series *lag;
};

const char *room_name(enum room_id id)
{
	static const char *const names[ROOMS] = {"none", "front", "legs", "jobs", "desk", "runner", "supervisor"};

	return (unsigned)id < ROOMS ? names[id] : "unknown";
}

void room_leave(struct room *room)
{
	ev_break(room->loop, EVBREAK_ALL);
}

void room_emit_quietly(struct room *room, struct event *e)
{
	e->room = (uint8_t)room->id;
	chan_send(room->chan, MSG_EVENT, ROOM_DESK, 0, e, sizeof *e);
}

void room_emit(struct room *room, struct event *e)
{
	event_log(e);
	room_emit_quietly(room, e);
}

static void on_message(void *arg, const struct msg_head *head, const void *payload)
{
	struct room *room = arg;

	switch (head->type) {
	case MSG_BEAT:
		chan_send(room->chan, MSG_BEAT, ROOM_SUPERVISOR, head->id, NULL, 0);
		break;
	case MSG_STOP:
		room_leave(room);
		break;
	case MSG_DRAIN:
		if (room->ops->drain)
			room->ops->drain(room);
		else
			room_leave(room);
		break;
	default:
		if (room->ops->message)
			room->ops->message(room, head, payload);
	}
}

static void on_supervisor_gone(void *arg)
{
	room_leave(arg);
}

/* A frozen daemon must say so: whatever looked dead meanwhile may have been us. */
static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct run *run = w->data;
	uint64_t now = clock_mono_us(), due = run->ticked_us + LAG_TICK_US, lag = now > due ? now - due : 0;
	struct event e;

	(void)loop, (void)revents;
	run->ticked_us = now;
	series_set(run->lag, (double)lag / 1e6);
	if (lag < LAG_REPORT_US)
		return;
	event_init(&e, EVENT_LOOP_LAG, (uint8_t)run->room->id);
	e.age_us = lag;
	event_set(e.text, room_name(run->room->id));
	room_emit(run->room, &e);
}

static void on_term(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	(void)loop, (void)revents;
	room_leave(w->data);
}

static void run_start(struct run *run)
{
	static const struct t3ops_metric lag = {
		.name = "t3ops_loop_lag_seconds", .type = T3OPS_GAUGE, .labels = {"room"},
		.help = "How late the room's loop was at its last tick."};
	struct room *room = run->room;

	run->lag = metrics_series(room->metrics, &lag, NULL, NULL, (const char *[]){room_name(room->id)});
	run->ticked_us = clock_mono_us();
	ev_timer_init(&run->tick, on_tick, LAG_TICK_US / 1e6, LAG_TICK_US / 1e6);
	run->tick.data = run;
	ev_timer_start(room->loop, &run->tick);
	ev_unref(room->loop);
	ev_signal_init(&run->term, on_term, SIGTERM);
	run->term.data = room;
	ev_signal_start(room->loop, &run->term);
	ev_unref(room->loop);
}

static void run_stop(struct run *run)
{
	struct ev_loop *loop = run->room->loop;

	ev_ref(loop);
	ev_timer_stop(loop, &run->tick);
	ev_ref(loop);
	ev_signal_stop(loop, &run->term);
}

static void sandbox_show(const struct room *room, const struct sandbox *s)
{
	static const struct t3ops_metric family = {
		.name = "t3ops_sandbox", .type = T3OPS_GAUGE, .labels = {"room", "layer"},
		.help = "Whether that wall stands around the room's process."};
	const char *name = room_name(room->id);

	series_set(metrics_series(room->metrics, &family, NULL, NULL, (const char *[]){name, "landlock"}),
	           s->landlock > 0 ? 1 : 0);
	series_set(metrics_series(room->metrics, &family, NULL, NULL, (const char *[]){name, "seccomp"}), s->seccomp ? 1 : 0);
	log_line(LOG_L_INFO, "sandbox", "seccomp=%s landlock=%d%s%s%s", s->seccomp ? "on" : "off", s->landlock,
	         s->missing ? " missing=\"" : "", s->missing ? s->missing : "", s->missing ? "\"" : "");
}

/* 0, or -ENOSYS: a wall is asked for that cannot be built. */
static int room_confine(struct room *room)
{
	const char *readable[SANDBOX_PATHS_MAX], *mode;
	struct sandbox walls;

	if (!room->ops->readable)
		return 0;
	mode = plan_string(json_object_get(room->slice, "core"), "sandbox");
	if (strcmp(mode, "off") == 0)
		return 0;
	sandbox_enter(readable, room->ops->readable(room, readable, SANDBOX_PATHS_MAX), &walls);
	sandbox_show(room, &walls);
	if (!walls.missing || strcmp(mode, "on") != 0)
		return 0;
	log_line(LOG_L_ERROR, "start_failed", "option=sandbox value=on reason=\"%s\" hint=\"auto takes what there is\"",
	         walls.missing);
	return -ENOSYS;
}

static void room_serve(struct room *room)
{
	chan_send(room->chan, MSG_READY, ROOM_SUPERVISOR, 0, NULL, 0);
	ev_run(room->loop, 0);
}

int room_run(struct room *room, int channel_fd)
{
	struct run run = {.room = room};
	int r;

	signal(SIGPIPE, SIG_IGN);
	/* not the default loop: that one reaps every child, also those whose exit code somebody waits for */
	room->loop = ev_loop_new(EVFLAG_NOSIGMASK);
	room->chan = room->loop ? chan_new(room->loop, channel_fd, on_message, on_supervisor_gone, room) : NULL;
	if (!room->chan) {
		log_line(LOG_L_ERROR, "room_failed", "reason=\"no memory or no epoll\"");
		return EXIT_FAILURE;
	}
	metrics_set_owner(room->metrics, room->serial);
	run_start(&run);
	r = room->ops->start(room);
	if (r == 0) {
		r = room_confine(room);
		if (r == 0)
			room_serve(room);
		room->ops->stop(room);
	}
	run_stop(&run);
	chan_flush(room->chan, LAST_WORDS_MS);
	chan_free(room->chan);
	ev_loop_destroy(room->loop);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
