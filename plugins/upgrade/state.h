/* SPDX-License-Identifier: MIT */
/*
 * What is known of one user's program, in DIR/USER/state.json, written as a whole and synced:
 *
 *   {"phase": NAME, "from": PREFIX, "to": PREFIX, "stamp": S,       a rollout in progress (rollout.h)
 *    "previous": PREFIX, "kept": FILE,                              what a rollback would bring back
 *    "frozen": {"why", "time", "until", "who"},                     no rollout begins
 *    "rejected": {PREFIX: {"reason", "time"}},
 *    "candidate": VERSION, "last_good": PREFIX,                     the next one; the last one that was proven
 *    "pin": {...}, "installing", "versions", "seen"                 candidate.h, prefixes.h, seen.h
 *    "report": {...}}                                               of the last gate
 *
 * DIR/USER/current is the link to the prefix of the program that this user's server runs.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_STATE_H
#define T3OPS_PLUGINS_UPGRADE_STATE_H

#include <jansson.h>
#include <limits.h>

#include "plugin.h"

struct state {
	char dir[PATH_MAX]; /* DIR/USER */
	int dir_fd;         /* locked */
	json_t *all;
};

/* 0, or -errno with one line in why; -EBUSY: another process is at work here. */
int state_open(struct state *s, const char *base, const char *user, char *why, size_t size);
void state_close(struct state *s);
int state_save(struct state *s, char *why, size_t size);

const char *state_text(const struct state *s, const char *key); /* "" if there is none */

/* The prefix that the link leads to; -ENOENT: there is no link. */
int link_read(const struct state *s, char out[PATH_MAX]);
/* At once: whoever opens it finds the old one or the new one. */
int link_set(struct state *s, const char *prefix);

/* Why it is frozen; NULL: it is not, or no longer. */
const char *state_frozen(const struct state *s, long long now_s);
void state_freeze(struct state *s, const char *why, long long now_s, long long until_s);

/* Why that prefix was rejected; NULL: it was not. */
const char *state_rejected(const struct state *s, const char *prefix);
void state_reject(struct state *s, const char *prefix, const char *reason, long long now_s);
void state_pardon(struct state *s, const char *prefix);

#endif
