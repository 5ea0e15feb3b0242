/* SPDX-License-Identifier: MIT */
/*
 * Who may use the control socket.  Its mode lets in root and the group of `user`, which the other processes of t3ops
 * have, too: those are refused, by pid, and the proxy by the account of its own as well.  Monitor process.
 */
#ifndef T3OPS_MONITOR_CONTROL_PEER_H
#define T3OPS_MONITOR_CONTROL_PEER_H

#include <stdbool.h>

#include "monitor/monitor_state.h"
#include "obs/throttle.h"

struct control_peers {
	struct monitor *monitor;
	bool apart[PROCESSES]; /* it has an account of its own */
	uid_t uids[PROCESSES];
	struct throttle throttle;
	struct series *refused;
};

void control_peers_init(struct control_peers *p, struct monitor *monitor);
/* Whether that one may ask; one who may not is reported. */
bool control_peer_admit(struct control_peers *p, int fd);

#endif
