/* SPDX-License-Identifier: MIT */
/* The last verdicts, for those who ask often; older ones are in the journal.  Monitor process. */
#ifndef T3OPS_MONITOR_VERDICT_RING_H
#define T3OPS_MONITOR_VERDICT_RING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERDICTS_KEPT 100

struct verdict_ring {
	json_t *rows[VERDICTS_KEPT];
	uint64_t given; /* serial of the last one */
};

/* Stamps the verdict's "serial", keeps a reference, forgets the oldest.  Returns the serial. */
uint64_t verdict_ring_add(struct verdict_ring *r, json_t *verdict);
/* Those of an earlier process, with the serials that they had. */
void verdict_ring_restore(struct verdict_ring *r, const json_t *newest_first);
void verdict_ring_fini(struct verdict_ring *r);
/* New reference: array, newest first, at most limit, of those with a serial above `after`. */
json_t *verdict_ring_json(const struct verdict_ring *r, uint64_t after, size_t limit);
/* Whether verdict_ring_json can answer that: older ones, or more, are not in it. */
bool verdict_ring_has(const struct verdict_ring *r, uint64_t after, size_t limit);

#endif
