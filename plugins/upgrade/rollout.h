/* SPDX-License-Identifier: MIT */
/*
 * One user's move from one program to another, and back.  The phase is on disk before its work begins, and each can
 * be begun again from whatever it has done: a run that was killed is finished by the next one.
 *
 *   IDLE --the gate accepts--> STOPPING  the server is stopped
 *                              SAVING    its database is copied to before.sqlite, which stays until the next rollout
 *                              SWITCHING the link leads to the new prefix
 *                              STARTING  the server is started, and pairs ------------------------> IDLE
 *   STOPPING .. STARTING --a failure--> UNDOING;  IDLE --somebody asks for a rollback--> UNDOING
 *   UNDOING   the server is stopped; a database that was migrated is put aside, with what was written since, and
 *             before.sqlite in its place; the link leads to the old prefix; the server is started, and pairs --> IDLE
 *   UNDOING --a failure--> UNDOING, again at the next run
 */
#ifndef T3OPS_PLUGINS_UPGRADE_ROLLOUT_H
#define T3OPS_PLUGINS_UPGRADE_ROLLOUT_H

#include "common/user_server.h"
#include "state.h"

#define ROLLBACK_WHY "somebody asked for a rollback"

struct rollout {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct state *state;
	struct user_server server; /* its database is set */
	uint64_t until_us;
	char why[600];
};

/* IDLE becomes STOPPING, or UNDOING; 0 or -errno with why. */
int rollout_begin(struct rollout *r, const char *from, const char *to);
int rollout_undo_begin(struct rollout *r, const char *why);
/* Goes on from whatever phase is on disk until it is IDLE.  0: the user has what was wanted (or there was nothing to
 * do); -ECANCELED: the old program and database are back, why says what failed; else they are not, why says why. */
int rollout_continue(struct rollout *r);

#endif
