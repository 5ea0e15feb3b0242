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
	free(b->bytes);
	*b = (struct buf){0};
}

bool buf_reserve(struct buf *b, size_t n)
{
	size_t size = b->size > 0 ? b->size : SIZE_MIN;
	char *bytes;

	if (b->size - b->end >= n)
		return true;
	if (b->start > 0) {
		memmove(b->bytes, b->bytes + b->start, buf_len(b));
		b->end -= b->start;
		b->start = 0;
	}
	while (size - b->end < n)
		size *= 2;
	if (size == b->size)
		return true;
	bytes = realloc(b->bytes, size);
	if (!bytes)
		return false;
	b->bytes = bytes;
	b->size = size;
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
	b->end += (size_t)n;
	return true;
}

void buf_drop(struct buf *b, size_t n)
{
	b->start += n;
	if (b->start == b->end)
		buf_fini(b);
}
