/* SPDX-License-Identifier: MIT */
/*
 * One user's t3 server, as the watchdog sees it.  Pure.
 *
 *   WELL        nothing convicts it, or its leg is up, or nothing was heard of its leg yet
 *     | a verdict names it alone, and its leg is down
 *   SUSPECT     for `patience` without a break: whatever the host did meanwhile begins it anew
 *     |         and it had been up for longer than `grace`, or is down for longer than that
 *   SAVING      a backup is made first, for at most `backup_limit`; then, if it still is as it was:
 *   RESTARTING  the job has it restarted and paired with
 *     | done, or failed, or nothing is heard of it for `restart_limit`; refused, for somebody else has the server in
 *     |         hand: SUSPECT, as if it had not begun
 *   SETTLING    its leg comes up: WELL; not within `patience`: SUSPECT
 *
 *   EXHAUSTED   instead of SAVING, when it was restarted `max_restarts` times within `window`: nothing more is done
 *               until it is WELL by itself or the window has passed
 *
 * From every state but RESTARTING it is WELL at once when its leg comes up or no verdict names it any more.
 */
#ifndef T3OPS_PLUGINS_WATCHDOG_TARGET_H
#define T3OPS_PLUGINS_WATCHDOG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

enum target_state {
	TARGET_WELL,
	TARGET_SUSPECT,
	TARGET_SAVING,
	TARGET_RESTARTING,
	TARGET_SETTLING,
	TARGET_EXHAUSTED,
};
/* "well", "suspect", ... */
const char *target_state_name(enum target_state state);

struct target_rules {
	uint64_t patience_us, grace_us, window_us;
	uint64_t backup_limit_us;  /* 0: no backup is made */
	uint64_t restart_limit_us; /* its end may be lost with the process that would report it */
	int64_t max_restarts;
};

struct target {
	char user[T3OPS_USER_NAME_SIZE];
	enum target_state state;
	uint64_t since_us; /* in this state */
	uint64_t verdict;  /* that names this server alone and stands; 0: none */
	bool leg_is_up;
	uint64_t leg_since_us; /* up, or down; 0: not known yet */
	uint64_t was_up_us;    /* before it went down: for how long */
	uint64_t *restarts_us; /* when each began, of those within the window; owned */
	size_t n_restarts;
};

/* What is to be done now. */
enum target_order { TARGET_WAITS, TARGET_BACK_UP, TARGET_RESTART, TARGET_GIVES_UP };

/* Its leg went up or down; a report of a state that it has already changes nothing. */
void target_leg(struct target *t, bool up, uint64_t now_us);
/* A verdict names it alone (id), or no verdict does any more (0). */
void target_verdict(struct target *t, uint64_t id);
/* The backup, or the restart, that was ordered has ended, however. */
void target_ended(struct target *t, uint64_t now_us);
/* The restart that was ordered was not done. */
void target_refused(struct target *t, uint64_t now_us);
/* An earlier monitor had it restarted then; the oldest comes first. */
void target_restarted(struct target *t, uint64_t at_us);

/* strained_us: when the host was found unwell last; may_begin: no other server is in the watchdog's hands.  Makes the
 * next step and returns what is to be done for it. */
enum target_order target_step(struct target *t, const struct target_rules *rules, uint64_t strained_us,
                              bool may_begin, uint64_t now_us);
/* Whether a backup or a restart is in progress. */
bool target_is_in_hand(const struct target *t);
void target_fini(struct target *t);

#endif
