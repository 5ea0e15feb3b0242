/* SPDX-License-Identifier: MIT */
/*
 * Whether a user may be interrupted: the one answer of all jobs.  A user is idle whose t3 server does not run, or
 * runs with no turn in progress, no process beside it (agents and terminals are its children), and no input for a
 * while. What cannot be read means busy.  Input that t3 has not been given yet, as a text that is still being typed,
 * is not seen.  Runs as the user.
 */
#ifndef T3OPS_PLUGINS_COMMON_IDLE_H
#define T3OPS_PLUGINS_COMMON_IDLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/user_server.h"

#define IDLE_NEVER_S (INT64_C(1) << 40) /* nothing was ever put in */

struct idle {
	struct user_server *server; /* its database is set */
	uint64_t quiet_us;          /* no input for so long */
	const char *ignored;        /* option with the names of processes that may be there; NULL: none */
	int64_t input_s;            /* out: seconds since the last input; 0: not known */
};

/* Why the user is busy, one line in why; NULL: idle. */
const char *idle_busy(struct idle *i, char *why, size_t size);
/* Only whether a turn is in progress, for who does not interrupt: why, or that it cannot be told; NULL: none is. */
const char *idle_turn(struct user_server *server, char *why, size_t size);
/* Only whether agents or terminals run beside the server, which a restart would end: why, or that it cannot be told;
 * NULL: none do. */
const char *idle_agents(struct idle *i, char *why, size_t size);

#endif
