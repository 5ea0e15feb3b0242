/* SPDX-License-Identifier: MIT */
/* A queue of bytes; see buf.h. */
#include "sys/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 1024

void buf_fini(struct buf *b)
{
	free(b->room);
	b->room = NULL;
}

/* What was used is given up; what is left begins where the memory does. */
static void move_up(struct buf_room *r)
{
	memmove(r->bytes, r->bytes + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
}

bool buf_reserve(struct buf *b, size_t n)
{
	size_t used = buf_len(b), size = b->room ? b->room->size : SIZE_MIN;
	struct buf_room *room;

	if (buf_size(b) - (b->room ? b->room->end : 0) >= n)
		return true;
	if (b->room && b->room->start > 0)
		move_up(b->room);
	while (size - used < n)
		size *= 2;
	if (size == buf_size(b))
		return true;
	room = realloc(b->room, sizeof *room + size);
	if (!room)
		return false;
	*room = (struct buf_room){.end = used, .size = size};
	b->room = room;
	return true;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buf_reserve(b, (size_t)n + 1))
		return false;
	va_start(ap, fmt);
	vsnprintf(buf_end(b), (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_added(b, (size_t)n);
	return true;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n < buf_len(b))
		b->room->start += n;
	else
		buf_fini(b);
}
