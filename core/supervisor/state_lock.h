/* SPDX-License-Identifier: MIT */
/*
 * One daemon a state_dir: the directory itself is locked, with flock(2), and nothing is written.  The lock outlives
 * an upgrade, and goes with the last process that has it, which is the supervisor alone.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_STATE_LOCK_H
#define T3OPS_SUPERVISOR_STATE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

struct state_lock;

/* Locks the directory; held (may be NULL) is shared if it is the lock of the same one.  NULL: with an errno of
 * EWOULDBLOCK another daemon has it, and why says which; with any other there can be no lock there, which is logged
 * and no reason not to start. */
struct state_lock *state_lock_take(const char *dir, struct state_lock *held, char *why, size_t why_size);
void state_lock_release(struct state_lock *l); /* NULL is fine */

/* For the next binary: the descriptor, -1 for NULL; whether it survives an exec.  The lock of an earlier one. */
int state_lock_fd(const struct state_lock *l);
void state_lock_survive(const struct state_lock *l, bool yes);
struct state_lock *state_lock_adopt(int fd);

#endif
