/* SPDX-License-Identifier: MIT */
/* Records that wait; see queue.h. */
#include "export_otlp/queue.h"

#include <stdlib.h>
#include <string.h>

void queue_init(struct queue *q, size_t limit_bytes)
{
	*q = (struct queue){.limit_bytes = limit_bytes};
}

static char *first_take(struct queue *q)
{
	char *record = q->records[q->first];

	q->first = (q->first + 1) % q->room;
	q->n--;
	q->bytes -= strlen(record);
	return record;
}

void queue_fini(struct queue *q)
{
	while (q->n > 0)
		free(first_take(q));
	free(q->records);
}

static bool grow(struct queue *q)
{
	size_t room = q->room > 0 ? 2 * q->room : 64;
	char **records = calloc(room, sizeof *records);

	if (records == NULL)
		return false;
	for (size_t i = 0; i < q->n; i++)
		records[i] = q->records[(q->first + i) % q->room];
	free(q->records);
	q->records = records;
	q->first = 0;
	q->room = room;
	return true;
}

size_t queue_add(struct queue *q, char *record)
{
	size_t len = strlen(record), dropped = 0;

	if (len > q->limit_bytes || (q->n == q->room && !grow(q))) {
		free(record);
		return 1;
	}
	for (; q->bytes + len > q->limit_bytes; dropped++)
		free(first_take(q));
	q->records[(q->first + q->n++) % q->room] = record;
	q->bytes += len;
	return dropped;
}

size_t queue_take(struct queue *q, char **out, size_t n, size_t max_bytes)
{
	size_t taken = 0, bytes = 0;

	while (taken < n && q->n > 0) {
		bytes += strlen(q->records[q->first]);
		if (taken > 0 && bytes > max_bytes)
			break;
		out[taken++] = first_take(q);
	}
	return taken;
}
