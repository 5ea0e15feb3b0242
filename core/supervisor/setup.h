/* SPDX-License-Identifier: MIT */
/*
 * A configuration that was checked, with everything made for it: the lock of the state
 * directory and the listening sockets.  What each process is started
 * from is its part of both.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_SETUP_H
#define T3OPS_SUPERVISOR_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf_text.h"
#include "conf/process_config.h"
#include "supervisor/listeners.h"
#include "supervisor/state_lock.h"

/* Zeroed is empty and valid. */
struct setup {
	struct conf_text conf;
	struct resolved_config *config;
	struct state_lock *lock; /* NULL: there can be none */
	struct listeners listeners;
};

/* Makes it from what the check left; takes conf (which is empty then) and config, whatever it returns.  The lock and
 * the sockets that `running` has already are shared with it, and those of the socket unit.  0, or -errno with the
 * reason in why; out is empty then.
 */
int setup_make(struct setup *out, struct conf_text *conf, struct resolved_config *config, const struct setup *running,
               const struct socket_unit *unit, char *why, size_t why_size);
/* Releases everything, and is empty then.  A control socket's file stays if others (may be NULL) has it, too. */
void setup_fini(struct setup *setup, const struct setup *others);

/* Whether a process belongs into that slot. */
bool setup_wants(const struct setup *setup, unsigned slot);

#endif
