/* SPDX-License-Identifier: MIT */
/* A queue of bytes that grows at its end and is used up from its start.  Any process. */
#ifndef T3OPS_SYS_BUF_H
#define T3OPS_SYS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Zeroed is empty and valid. */
struct buf {
	char *bytes;
	size_t start, end, size;
};

void buf_fini(struct buf *b); /* empty again, memory released */

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}
static inline char *buf_at(const struct buf *b)
{
	return b->bytes + b->start;
}

/* Room for n more bytes at buf_end(); false without memory. */
bool buf_reserve(struct buf *b, size_t n);
static inline char *buf_end(const struct buf *b)
{
	return b->bytes + b->end;
}
static inline void buf_added(struct buf *b, size_t n)
{
	b->end += n;
}
/* Empty again, the memory stays for what comes next. */
static inline void buf_clear(struct buf *b)
{
	b->start = b->end = 0;
}
/* Inline, for a head is put together from very many short pieces. */
static inline bool buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return true;
	if (n > b->size - b->end && !buf_reserve(b, n))
		return false;
	memcpy(buf_end(b), bytes, n);
	b->end += n;
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
