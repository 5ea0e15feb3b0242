/* SPDX-License-Identifier: MIT */
/* The ring of the last verdicts; see verdict_ring.h. */
#include "monitor/verdict_ring.h"

uint64_t verdict_ring_add(struct verdict_ring *r, json_t *verdict)
{
	json_t **row = &r->rows[r->given % VERDICTS_KEPT];

	json_object_set_new(verdict, "serial", json_integer((json_int_t)++r->given));
	json_decref(*row);
	*row = json_incref(verdict);
	return r->given;
}

void verdict_ring_restore(struct verdict_ring *r, const json_t *newest_first)
{
	for (size_t n = json_array_size(newest_first); n-- > 0;) {
		json_t *verdict = json_array_get(newest_first, n);
		json_int_t serial = json_integer_value(json_object_get(verdict, "serial"));

		if (serial <= 0 || (uint64_t)serial <= r->given)
			continue;
		r->given = (uint64_t)serial - 1;
		verdict_ring_add(r, verdict);
	}
}

void verdict_ring_fini(struct verdict_ring *r)
{
	for (size_t i = 0; i < VERDICTS_KEPT; i++)
		json_decref(r->rows[i]);
	*r = (struct verdict_ring){.given = 0};
}

json_t *verdict_ring_json(const struct verdict_ring *r, uint64_t after, size_t limit)
{
	json_t *list = json_array();

	for (uint64_t serial = r->given; serial > after && serial + VERDICTS_KEPT > r->given; serial--) {
		json_t *verdict = r->rows[(serial - 1) % VERDICTS_KEPT];

		if (json_array_size(list) == limit)
			break;
		if (verdict != NULL && (uint64_t)json_integer_value(json_object_get(verdict, "serial")) == serial)
			json_array_append(list, verdict);
	}
	return list;
}

bool verdict_ring_has(const struct verdict_ring *r, uint64_t after, size_t limit)
{
	return limit <= VERDICTS_KEPT || r->given <= VERDICTS_KEPT || after + VERDICTS_KEPT >= r->given;
}
