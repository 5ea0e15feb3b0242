/* SPDX-License-Identifier: MIT */
/* Those who wait on the control socket for another process's answer.  Monitor process. */
#ifndef T3OPS_MONITOR_CONTROL_WAIT_H
#define T3OPS_MONITOR_CONTROL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/message.h"
#include "monitor/local_server.h"

#define CONTROL_WAITS_MAX 32

struct control_wait {
	uint64_t id; /* of the request to the other process; 0: free */
	struct local_conn *conn;
	unsigned left; /* answers to come */
	int error;     /* the first one */
	char *text;    /* of all answers, one a line; owned */
	bool rows;     /* of an action: after its first line an answer has rows, JSON objects, one a line */
};

/* Zeroed is ready. */
struct control_waits {
	struct control_wait rows[CONTROL_WAITS_MAX];
	uint64_t given;
	bool ended; /* nobody waits any more */
};

/* A new wait, its connection held; NULL: there are too many, or the end is near, and the client was told so. */
struct control_wait *control_wait_new(struct control_waits *w, struct local_conn *c);
/* Gives up waiting. */
void control_wait_refuse(struct control_wait *w, const char *why);
/* An answer of another process (MSG_RELOADED, MSG_JOB_DONE), or MSG_UNREACHABLE; those of others are ignored. */
void control_waits_message(struct control_waits *w, const struct msg_head *head, const void *payload);
/* Who waits for that answer, which the caller gives; NULL: nobody. */
struct local_conn *control_wait_take(struct control_waits *w, uint64_t id);
/* The connection is gone. */
void control_waits_forget(struct control_waits *w, const struct local_conn *c);
/* Gives up on all. */
void control_waits_end(struct control_waits *w, const char *why);

#endif
