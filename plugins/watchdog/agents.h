/* SPDX-License-Identifier: MIT */
/* A restart ends the agents and terminals of the server with it: they get a while to come to an end first. */
#ifndef T3OPS_PLUGINS_WATCHDOG_AGENTS_H
#define T3OPS_PLUGINS_WATCHDOG_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/user_server.h"

/* Waits while processes run beside the server, or it cannot be told: for `agent_patience`, and at most for a part of
 * the time that is left until until_us.  Reports how long, and what still runs.  Whether it waited at all. */
bool agents_wait(struct user_server *server, uint64_t until_us);

#endif
