/* SPDX-License-Identifier: MIT */
/* The user's t3 server, as jobs see it: whether it runs, how it is stopped and started, whether it pairs.
 * Inside `run` and `act` of a job, where waiting is allowed. */
#ifndef T3OPS_PLUGINS_COMMON_USER_SERVER_H
#define T3OPS_PLUGINS_COMMON_USER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cgroup.h"
#include "plugin.h"

struct user_server {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	const char *database;
	char cgroup[CGROUP_SIZE]; /* where it ran when it was found running, if not with us; "": not known */
};

/* Why it counts as running, in one line; NULL: it does not: nobody has the database open, nothing accepts at its
 * port, and nothing is left in its cgroup. */
const char *user_server_running(struct user_server *s, char *why, size_t size);

/* Has the command run that the option names, and waits for its end.  0 or -errno with one line in why: -ENOENT, it
 * names none; -EIO, its exit code; -ETIMEDOUT. */
int user_server_command(struct user_server *s, const char *option, uint64_t until_us, char *why, size_t size);
/* Waits until it does not run.  0 or -ETIMEDOUT. */
int user_server_wait_stopped(struct user_server *s, uint64_t until_us, char *why, size_t size);
/* Waits until a browser would be let in; only if user_server_can_pair.  0, -EPROTO or -ENOMEM. */
int user_server_wait_pairs(struct user_server *s, uint64_t until_us, char *why, size_t size);

/* Keeps t3ops' other processes and jobs from having anything run for the user, a mint above all, which would open the
 * database that is about to be replaced, or migrate the one that took its place; waits for what is in progress. Until
 * user_server_start has started it, or this process ends.  0; -ETIMEDOUT; -EBUSY with SERVER_HELD in why. */
int user_server_hold(struct user_server *s, uint64_t until_us, char *why, size_t size);

/* Both: the options stop_command and start_command, and the waiting; without a plugin that pairs nothing is waited
 * for at the start.  What does not run is held, and not stopped. */
int user_server_stop(struct user_server *s, uint64_t until_us, char *why, size_t size);
int user_server_start(struct user_server *s, uint64_t until_us, char *why, size_t size);

/* Whether something can say that a browser would be let in: a plugin that pairs. */
bool user_server_can_pair(const struct user_server *s);

#endif
