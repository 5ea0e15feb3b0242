/* SPDX-License-Identifier: MIT */
/* Ids by which plugins know requests: a place in a table and its generation, so that one that is over is never
 * taken for another.  Pure. */
#ifndef T3OPS_PROXY_REQUEST_IDS_H
#define T3OPS_PROXY_REQUEST_IDS_H

#include <stddef.h>
#include <stdint.h>

struct request_slot {
	void *request; /* NULL: free */
	uint32_t generation;
};

/* Zeroed is empty and valid. */
struct request_ids {
	struct request_slot *slots;
	size_t n, free_slot; /* none below free_slot is free */
};

/* Its id; 0 without memory. */
uint64_t request_ids_add(struct request_ids *ids, void *request);
/* NULL: the id is stale, or never was one. */
void *request_ids_find(const struct request_ids *ids, uint64_t id);
/* The id is stale from here on; stale ones and 0 are fine. */
void request_ids_remove(struct request_ids *ids, uint64_t id);
void request_ids_fini(struct request_ids *ids);

#endif
