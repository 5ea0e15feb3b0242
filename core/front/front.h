/* SPDX-License-Identifier: MIT */
/*
 * The front: accepts users' connections, finds out who they are, hands requests to plugins and on to
 * the instance, and holds the tunnels.  Loads request plugins; starts no program, opens no file but
 * the user table.
 */
#ifndef T3OPS_FRONT_H
#define T3OPS_FRONT_H

#include "base/room.h"

extern const struct room_ops front_ops;

#endif
