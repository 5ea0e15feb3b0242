/* SPDX-License-Identifier: MIT */
/*
 * The log level of each process: that of the configuration, or one that the operator chose (t3opsctl log-level),
 * which lasts until the next configuration or binary, and which a process that is started again has, too.  Supervisor
 * only.
 */
#ifndef T3OPS_SUPERVISOR_LOG_LEVELS_H
#define T3OPS_SUPERVISOR_LOG_LEVELS_H

#include "supervisor/supervisor_state.h"

/* Of a configuration that was just applied: what was chosen is forgotten. */
void log_levels_reset(struct supervisor *s);
/* In a process that was just forked. */
void log_level_inherit(const struct supervisor *s, enum process_id process);
/* MSG_LOG_LEVEL of the monitor; it is answered. */
void log_levels_message(struct supervisor *s, struct child *from, const struct msg_head *head, const void *payload);

#endif
