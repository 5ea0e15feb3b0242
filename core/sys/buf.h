/* SPDX-License-Identifier: MIT */
/* A queue of bytes that grows at its end and is used up from its start.  Any process. */
#ifndef T3OPS_SYS_BUF_H
#define T3OPS_SYS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Zeroed is empty and valid.  Most are empty most of the time: without bytes it is a pointer, no more. */
struct buf {
	struct buf_room *room; /* NULL: none */
};
struct buf_room {
	size_t start, end, size;
	char bytes[];
};

void buf_fini(struct buf *b); /* empty again, memory released */

static inline size_t buf_len(const struct buf *b)
{
	return b->room ? b->room->end - b->room->start : 0;
}
static inline char *buf_at(const struct buf *b)
{
	return b->room ? b->room->bytes + b->room->start : NULL;
}
/* How many bytes there is memory for. */
static inline size_t buf_size(const struct buf *b)
{
	return b->room ? b->room->size : 0;
}

/* Room for n more bytes at buf_end(); false without memory. */
bool buf_reserve(struct buf *b, size_t n);
static inline char *buf_end(const struct buf *b)
{
	return b->room ? b->room->bytes + b->room->end : NULL;
}
/* They are where buf_reserve made room for them. */
static inline void buf_added(struct buf *b, size_t n)
{
	if (n > 0)
		b->room->end += n;
}
/* So many at its end are none of it: at most those that were added last. */
static inline void buf_cut(struct buf *b, size_t n)
{
	if (n > 0)
		b->room->end -= n;
}
/* Empty again, the memory stays for what comes next. */
static inline void buf_clear(struct buf *b)
{
	if (b->room)
		b->room->start = b->room->end = 0;
}
/* Inline, for a head is put together from very many short pieces. */
static inline bool buf_add(struct buf *b, const void *bytes, size_t n)
{
	struct buf_room *r = b->room;

	if (n == 0)
		return true;
	if (!r || n > r->size - r->end) {
		if (!buf_reserve(b, n))
			return false;
		r = b->room;
	}
	memcpy(r->bytes + r->end, bytes, n);
	r->end += n;
	return true;
}
static inline bool buf_add_text(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* n bytes were used; memory goes when it is empty. */
void buf_drop(struct buf *b, size_t n);

#endif
