/* SPDX-License-Identifier: MIT */
/* Records that wait to be sent, oldest first, within a limit of bytes.  Pure. */
#ifndef T3OPS_EXPORT_OTLP_QUEUE_H
#define T3OPS_EXPORT_OTLP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
	char **records; /* a ring */
	size_t first, n, room;
	size_t bytes, limit_bytes; /* of the texts */
};

void queue_init(struct queue *q, size_t limit_bytes);
void queue_fini(struct queue *q);

/* Takes over the text.  The oldest give way to it; returns how many were dropped, the new one itself if it is
 * larger than everything, or without memory. */
size_t queue_add(struct queue *q, char *record);
/* Moves the oldest ones to out, at most n and, unless it is only one, at most so many bytes; returns how many.  The
 * caller frees them. */
size_t queue_take(struct queue *q, char **out, size_t n, size_t max_bytes);

#endif
