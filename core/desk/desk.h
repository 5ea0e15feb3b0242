/* SPDX-License-Identifier: MIT */
/* The desk room: events to journal, verdicts, pages and control socket. */
#ifndef T3OPS_DESK_DESK_H
#define T3OPS_DESK_DESK_H

#include "base/room.h"

extern const struct room_ops desk_ops;

#endif
