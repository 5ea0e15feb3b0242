/* SPDX-License-Identifier: MIT */
/* Ids of requests; see request_ids.h. */
#include "proxy/request_ids.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

static bool slots_grow(struct request_ids *ids)
{
	size_t n = ids->n > 0 ? 2 * ids->n : SLOTS_FIRST;
	struct request_slot *slots = realloc(ids->slots, n * sizeof *slots);

	if (!slots)
		return false;
	memset(slots + ids->n, 0, (n - ids->n) * sizeof *slots);
	ids->slots = slots;
	ids->n = n;
	return true;
}

static struct request_slot *slot_find(const struct request_ids *ids, uint64_t id)
{
	size_t i = (size_t)(id & UINT32_MAX);

	if (i == 0 || i > ids->n || !ids->slots[i - 1].request ||
	    ids->slots[i - 1].generation != (uint32_t)(id >> 32))
		return NULL;
	return &ids->slots[i - 1];
}

uint64_t request_ids_add(struct request_ids *ids, void *request)
{
	size_t i = ids->free_slot;

	while (i < ids->n && ids->slots[i].request)
		i++;
	if (i == ids->n && !slots_grow(ids))
		return 0;
	ids->free_slot = i + 1;
	ids->slots[i].request = request;
	ids->slots[i].generation++;
	return (uint64_t)ids->slots[i].generation << 32 | (uint32_t)(i + 1);
}

void *request_ids_find(const struct request_ids *ids, uint64_t id)
{
	struct request_slot *slot = slot_find(ids, id);

	return slot ? slot->request : NULL;
}

void request_ids_remove(struct request_ids *ids, uint64_t id)
{
	struct request_slot *slot = slot_find(ids, id);

	if (!slot)
		return;
	slot->request = NULL;
	if ((size_t)(slot - ids->slots) < ids->free_slot)
		ids->free_slot = (size_t)(slot - ids->slots);
}

void request_ids_fini(struct request_ids *ids)
{
	free(ids->slots);
	*ids = (struct request_ids){0};
}
