/* SPDX-License-Identifier: MIT */
/*
 * What the files of the supervisor share.
 *
 *   supervisor.c   life of the process: boot, signals, stop
 *   transition.c   from one configuration to the next, whole or not at all
 *   switchboard.c  messages between the rooms
 *   watch.c        beats, deaths, restarts
 *   keep.c         tunnels that outlive a front
 *   snapshots.c    user tables that outlive the rooms that read them
 *   takeover.c     the next binary, same pid
 *   child.c        one process;  post.c  which ones there are to be;  listeners.c  the sockets
 */
#ifndef T3OPS_SUPERVISOR_STATE_H
#define T3OPS_SUPERVISOR_STATE_H

#include "base/metrics.h"
#include "base/plan.h"
#include "base/tunnel_book.h"
#include "base/user_snapshot.h"
#include "supervisor/child.h"
#include "supervisor/listeners.h"
#include "supervisor/post.h"
#include "supervisor/supervisor.h"

#define HELD_EVENTS 1024

enum phase { PHASE_BOOT, PHASE_RUNNING, PHASE_STOPPING };

/* A configuration with everything made for it. */
struct setup {
	struct conf_text conf;
	json_t *core, *plugins;
	json_t *specs[ROOMS]; /* NULL: no such room */
	struct listeners listeners;
};

/* Who asked for a reload, and is told. */
struct asker {
	uint32_t serial; /* 0: a signal */
	uint64_t id;
};

struct transition {
	bool running;
	bool everything; /* no room counts as unchanged */
	struct setup next;
	struct child *posts[POSTS]; /* processes started for it */
	char complaint[256];        /* the error that one of them reported last before it was ready; "" */
	struct asker asker;
	struct ev_timer deadline;
	enum event_kind done; /* the event of its success */
};

struct restart {
	struct ev_timer timer;
	struct supervisor *supervisor;
	unsigned post;
	double pause;
	uint32_t restarts;
};

/* Copies of a tunnel's descriptors: client, instance. */
struct kept {
	int fds[2];
	bool held;
};

struct supervisor {
	const struct supervisor_args *args;
	struct ev_loop *loop;
	struct ev_io signals;
	struct ev_timer beat;
	struct metrics *metrics;
	int metrics_fd;
	enum phase phase;
	int exit_code;
	uint32_t last_serial;
	struct children children;
	struct child *current[POSTS];
	struct setup setup;
	struct transition transition;
	struct restart restarts[POSTS];
	struct event held[HELD_EVENTS]; /* events while there is no desk; a ring */
	size_t n_held, first_held;
	bool told_ready;
	struct tunnel_book *book; /* NULL: tunnels are not kept */
	int book_fd;
	struct kept *kept;        /* one a slot of the book */
	struct errand *errand;    /* kept tunnels on their way to a front */
	struct {
		struct user_snapshot *snapshot; /* NULL: that room's table does not outlive it */
		int fd;
	} snapshots[ROOMS];
};

/* supervisor.c */
void supervisor_emit(struct supervisor *s, struct event *e);
void supervisor_stop(struct supervisor *s, int exit_code);
void supervisor_ready(struct supervisor *s);
void serials_publish(struct supervisor *s);
void setup_fini(struct setup *setup, const struct listeners *others);

/* transition.c */
void transition_begin(struct supervisor *s, struct setup *next, bool everything, struct asker asker,
                      enum event_kind done);
void transition_step(struct supervisor *s);
void transition_abort(struct supervisor *s, const char *why);
/* Every front that drains gives its tunnels to the one that is in force now, unless it does so already. */
void handovers_arrange(struct supervisor *s);
void reload_begin(struct supervisor *s, struct asker asker);
/* Whether the configuration wants a process there. */
bool post_is_wanted(const struct setup *setup, unsigned post);
/* Reads and checks the configuration; 0, or -errno with a first complaint in why. */
int setup_make(struct supervisor *s, struct setup *out, const struct conf_text *conf, char *why, size_t why_size);

/* switchboard.c */
void switchboard_message(void *arg, const struct msg_head *head, const void *payload); /* arg: child */
void switchboard_closed(void *arg);
void room_state_tell(struct supervisor *s, const struct child *c);
void desk_greet(struct supervisor *s);
struct child *desk_of(struct supervisor *s);
void event_to_desk(struct supervisor *s, const struct event *e);

/* watch.c */
void watch_start(struct supervisor *s);
void watch_stop(struct supervisor *s);
void child_ended(struct child *c); /* the process is gone: reap, report, restart */
void child_set_state(struct child *c, enum room_state state);
/* After an upgrade: posts that nobody holds were waiting for theirs. */
void restarts_resume(struct supervisor *s);
void restart_cancel(struct supervisor *s, unsigned post);

/* keep.c */
void keep_init(struct supervisor *s);
/* For the next binary: the book and the descriptors that are kept, as JSON; whether those survive an exec. */
json_t *keep_json(const struct supervisor *s);
void keep_survive(const struct supervisor *s, bool yes);
/* Instead of keep_init: goes on with what keep_json told. */
void keep_adopt(struct supervisor *s, const json_t *state);
void keep_fini(struct supervisor *s);
void keep_message(struct child *c, const struct msg_head *head, const void *payload);
/* A front is gone; asked: it had been told to stop, and its tunnels end with it. */
void keep_front_ended(struct supervisor *s, const struct child *front, bool asked);
/* What dead fronts left goes to this one. */
void keep_give(struct supervisor *s, struct child *front);
/* The same, to a front that serves; without one, to the next that does. */
void keep_give_any(struct supervisor *s);
/* There is no front any more: what dead ones left is cut. */
void keep_nothing(struct supervisor *s);

/* snapshots.c */
void snapshots_init(struct supervisor *s);
/* In a room's process: its own, the others are unmapped. */
struct user_snapshot *snapshots_take(const struct supervisor *s, enum room_id room);
/* For the next binary: their descriptors; whether those survive an exec. */
json_t *snapshots_json(const struct supervisor *s);
void snapshots_survive(const struct supervisor *s, bool yes);
/* Instead of snapshots_init: goes on with what snapshots_json told. */
void snapshots_adopt(struct supervisor *s, const json_t *state);
void snapshots_fini(struct supervisor *s);

/* takeover.c */
void takeover_exec(struct supervisor *s);
/* Rebuilds what the earlier binary left in fd; 0 or -errno after one log line. */
int takeover_resume(struct supervisor *s, int fd);

#endif
