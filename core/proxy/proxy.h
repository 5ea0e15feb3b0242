/* SPDX-License-Identifier: MIT */
/*
 * The proxy: accepts users' connections, finds out who they are, passes requests to plugins and on to the user's
 * t3 server, and holds the tunnels.  Loads request plugins; starts no program, opens no file but the user table.
 * worker.h lists its files.
 */
#ifndef T3OPS_PROXY_PROXY_H
#define T3OPS_PROXY_PROXY_H

#include "process/process.h"

extern const struct process_ops proxy_ops;

#endif
