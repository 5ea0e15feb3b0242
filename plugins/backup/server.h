/* SPDX-License-Identifier: MIT */
/* The user's t3 server, as a restore sees it: whether it runs, how it is stopped and started, whether it pairs. */
#ifndef T3OPS_PLUGINS_BACKUP_SERVER_H
#define T3OPS_PLUGINS_BACKUP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

struct server {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	const char *database;
	char cgroup[256]; /* where it ran when it was found running, if not with us; "": not known */
};

/* Why it counts as running, in one line; NULL: it does not: nobody has the database open, nothing accepts at its
 * port, and nothing is left in its cgroup. */
const char *server_running(struct server *s, char *why, size_t size);

/* Has the command of that option run, and waits until it has stopped, or pairs again.  0 or -errno with one line in
 * why. */
int server_stop(struct server *s, uint64_t until_us, char *why, size_t size);
int server_start(struct server *s, uint64_t until_us, char *why, size_t size);

/* Whether something can say that a browser would be let in: a plugin that pairs. */
bool server_can_pair(const struct server *s);

#endif
