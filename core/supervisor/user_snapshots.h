/* SPDX-License-Identifier: MIT */
/*
 * A snapshot of each process's user table (users/user_snapshot.h): a process that is started again while the table is
 * broken goes on with what the one before had read.  One a process, for the helper believes nobody else's.
 * Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_USER_SNAPSHOTS_H
#define T3OPS_SUPERVISOR_USER_SNAPSHOTS_H

#include <jansson.h>
#include <stdbool.h>

#include "ipc/message.h"
#include "users/user_snapshot.h"

struct user_snapshots {
	struct {
		struct user_snapshot *snapshot; /* NULL: that process's table does not outlive it */
		int fd;
	} of[PROCESSES];
};

/* Goes on with those of an earlier supervisor, its user_snapshots_json; a descriptor of -1: with a new one. */
void user_snapshots_adopt(struct user_snapshots *s, const json_t *state);
void user_snapshots_fini(struct user_snapshots *s);

/* In the process of a child: its own, the others are unmapped.  PROCESS_NONE: all are, NULL. */
struct user_snapshot *user_snapshots_inherit(const struct user_snapshots *s, enum process_id process);
/* For the next binary: their descriptors; whether those survive an exec. */
json_t *user_snapshots_json(const struct user_snapshots *s);
void user_snapshots_survive(const struct user_snapshots *s, bool yes);

#endif
