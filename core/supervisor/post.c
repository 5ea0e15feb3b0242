/* SPDX-License-Identifier: MIT */
/* Numbering of posts; see post.h. */
#include "supervisor/post.h"

enum room_id post_room(unsigned post)
{
	return post < ROOMS ? (enum room_id)post : ROOM_FRONT;
}

unsigned post_worker(unsigned post)
{
	return post < ROOMS ? 0 : post - ROOMS + 1;
}

unsigned post_in_order(unsigned i)
{
	static const enum room_id rooms[] = {ROOM_RUNNER, ROOM_DESK, ROOM_JOBS, ROOM_LEGS, ROOM_FRONT};
	const unsigned n = sizeof rooms / sizeof rooms[0];

	return i < n ? (unsigned)rooms[i] : ROOMS + i - n;
}
