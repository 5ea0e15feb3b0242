/* SPDX-License-Identifier: MIT */
/* Tunnels that do not outlive their proxy, for there was no room to store them: said once, and counted.  Proxy,
 * supervisor. */
#ifndef T3OPS_IPC_TUNNEL_FULL_H
#define T3OPS_IPC_TUNNEL_FULL_H

#include <stdbool.h>

#include "obs/metrics.h"

enum tunnel_limit { TUNNEL_LIMIT_SLOTS, TUNNEL_LIMIT_DESCRIPTORS };

struct tunnel_full {
	enum tunnel_limit limit;
	struct series *series;
	bool reported;
};

void tunnel_full_init(struct tunnel_full *f, struct metrics *m, enum tunnel_limit limit);
/* One more found no room. */
void tunnel_full_report(struct tunnel_full *f);

#endif
