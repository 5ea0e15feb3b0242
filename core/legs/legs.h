/* SPDX-License-Identifier: MIT */
/*
 * The legs: permanent synthetic connections that differ only in the segments they cross.  The room owns
 * their heartbeats, watchdogs and back-off, and answers the desk's probes; how a leg connects and pings
 * is its plugin's.
 */
#ifndef T3OPS_LEGS_H
#define T3OPS_LEGS_H

#include "base/room.h"

extern const struct room_ops legs_ops;

#endif
