/* SPDX-License-Identifier: MIT */
/*
 * A room: one process with one loop, one channel to the supervisor, its slice of the plan, and
 * nothing else.  This module is the part that all rooms share: it answers beats, measures the
 * loop's lag, ends the process when the supervisor is gone.  It knows no room by itself: what a
 * room does is a struct room_ops.
 */
#ifndef T3OPS_BASE_ROOM_H
#define T3OPS_BASE_ROOM_H

#include <ev.h>
#include <jansson.h>
#include <stdint.h>

#include "base/chan.h"
#include "base/clock.h"
#include "base/metrics.h"

#define ROOM_MAX_LISTENERS 16

struct listener {
	char name[16];     /* "front", "desk", "control" */
	char address[112]; /* as bound, "127.0.0.1:3780"; a path for control */
	int fd;            /* listening, non-blocking, CLOEXEC; owned by the process */
};

/* Shared with the supervisor (mmap): what the room is doing, for the watchdog's line. */
struct room_beat {
	char plugin[32];
	char callback[32]; /* "" outside plugin code */
	uint64_t entered_us;
};

struct room {
	enum room_id id;
	unsigned worker; /* which of the front's, from 0; 0 elsewhere */
	uint32_t serial;
	struct ev_loop *loop;
	struct chan *chan;
	const json_t *slice; /* see base/plan.h */
	struct metrics *metrics;
	struct room_beat *beat;
	struct tunnel_book *book; /* base/tunnel_book.h; the front's, NULL elsewhere */
	struct user_snapshot *snapshot; /* base/user_snapshot.h; this room's, may be NULL */
	bool succeeds; /* one that serves gives way to it: what it cannot do as well is a reason not to start */
	struct listener listeners[ROOM_MAX_LISTENERS];
	size_t n_listeners;
	const struct room_ops *ops;
	void *state; /* the room's own */
};

struct room_ops {
	/* Build everything; 0 or -errno after one log line.  READY is sent when it returns 0. */
	int (*start)(struct room *room);
	/* End cleanly, release everything; the process exits when it returns. */
	void (*stop)(struct room *room);
	/* Take nothing new, finish, then call room_leave().  NULL: drain is stop. */
	void (*drain)(struct room *room);
	/* Files and folders that it reads while it runs: their number, at most max, in out (borrowed while the room
	 * lives).  The process then confines itself (base/sandbox.h) as soon as it has started.  NULL: it does not. */
	size_t (*readable)(struct room *room, const char **out, size_t max);
	/* A message that room.c does not handle itself. */
	void (*message)(struct room *room, const struct msg_head *head, const void *payload);
};

/* Runs the process until its end; returns its exit code.  channel_fd is taken. */
int room_run(struct room *room, int channel_fd);

/* Stops the loop: the process ends after ops->stop. */
void room_leave(struct room *room);

/* Sends an event to the desk and logs it.  Stamps e->room. */
void room_emit(struct room *room, struct event *e);
/* The same without the log line, for events that are evidence only. */
void room_emit_quietly(struct room *room, struct event *e);


#endif
