/* SPDX-License-Identifier: MIT */
/*
 * A post is a process that there is to be: one a room, and `workers` of them for the front.  A room's first
 * post has the room's number, the front's further ones follow after all rooms.  Supervisor.
 */
#ifndef T3OPS_SUPERVISOR_POST_H
#define T3OPS_SUPERVISOR_POST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/message.h"

#define WORKERS_MAX 16
#define POSTS       (ROOMS + WORKERS_MAX - 1)
#define POST_ORDER  (5 + WORKERS_MAX - 1)

enum room_id post_room(unsigned post);
/* Which one of the front's, from 0; 0 for every other room. */
unsigned post_worker(unsigned post);
/* The i-th to start, i < POST_ORDER: whom others need comes first. */
unsigned post_in_order(unsigned i);

#endif
