/* SPDX-License-Identifier: MIT */
/* Room in a list that grows.  Pure, any process. */
#ifndef T3OPS_TBL_ROOM_H
#define T3OPS_TBL_ROOM_H

#include <stddef.h>
#include <stdlib.h>

/* The list with room for one more row of `size` behind its n, *room being for how many there is room: it may have
 * moved. NULL without memory: the list is as it was. */
static inline void *room_for_one(void *rows, size_t n, size_t *room, size_t size)
{
	size_t more = *room > 0 ? 2 * *room : 8;
	void *grown;

	if (n < *room)
		return rows;
	grown = reallocarray(rows, more, size);
	if (grown != NULL)
		*room = more;
	return grown;
}

#endif
