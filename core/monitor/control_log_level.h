/* SPDX-License-Identifier: MIT */
/* t3opsctl log-level: what each process logs, asked for or changed over the control socket.  Monitor process. */
#ifndef T3OPS_MONITOR_CONTROL_LOG_LEVEL_H
#define T3OPS_MONITOR_CONTROL_LOG_LEVEL_H

#include "monitor/control_wait.h"
#include "monitor/monitor_state.h"

/* {"level":"", a level, or "configured"; "process":"" (all) or a name}; answered now, or when the supervisor has done
 * it. */
void control_log_level(struct monitor *d, struct control_waits *waits, struct local_conn *c, const json_t *request);
/* MSG_LOG_LEVELS, which the monitor has taken: whoever asked for it is answered. */
void control_log_levels(const struct monitor *d, struct control_waits *waits, const struct msg_head *head);

#endif
