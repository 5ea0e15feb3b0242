/* SPDX-License-Identifier: MIT */
/* Legs as they are shown; see leg_rows.h. */
#include "monitor/leg_rows.h"

#include <stdlib.h>
#include <string.h>

#include "sys/time_text.h"
#include "tbl/reason.h"

static void leg_row_fill(const struct leg *leg, struct leg_row *to)
{
	*to = (struct leg_row){.def = leg->def,
	                       .user = leg->user,
	                       .state = leg_state_name(leg),
	                       .failed = leg->state == LEG_IS_DOWN || leg->state == LEG_IS_WALLED_OFF,
	                       .since_us = leg->since_us,
	                       .rtt_us = leg->rtt_us,
	                       .last = leg->last,
	                       .resolver = leg->resolver,
	                       .fresh = leg->fresh.state,
	                       .large = leg->large.state};
	memcpy(to->colo, leg->colo, sizeof to->colo);
}

struct leg_row *leg_rows(const struct monitor *d, const char *user, size_t *n)
{
	const struct probe_table *legs = diagnosis_legs(d->diagnosis);
	struct leg_row *rows = calloc(legs->n + 1, sizeof *rows);

	*n = 0;
	for (size_t i = 0; rows != NULL && i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		if (user == NULL || strcmp(leg->user, user) == 0)
			leg_row_fill(leg, &rows[(*n)++]);
	}
	return rows;
}

/* "ok" or "failed" of what the leg measures beside its connection; nothing while it measures nothing. */
static void aspect_add(json_t *o, const char *key, enum aspect_state state)
{
	if (state != ASPECT_UNKNOWN)
		json_object_set_new(o, key, json_string(state == ASPECT_FAILS ? "failed" : "ok"));
}

/* How it ended, or why it cannot be established. */
static void end_add(json_t *o, const struct monitor *d, const struct leg_row *leg)
{
	const char *detail = leg_details_get(&d->leg_details, leg->def->name, leg->user);

	json_object_set_new(o, "reason", json_string(reason_label(leg->last.reason)));
	json_object_set_new(o, "step", json_string(step_label(leg->last.step)));
	json_object_set_new(o, "code", json_integer(leg->last.code));
	if (detail[0] != '\0')
		json_object_set_new(o, "detail", json_string(detail));
}

json_t *leg_row_json(const struct monitor *d, const struct leg_row *leg)
{
	json_t *o, *segments = json_array();
	char since[32];

	for (size_t i = 0; i < leg->def->segments.n; i++)
		json_array_append_new(segments, json_string(leg->def->segments.segments[i]));
	time_text(leg->since_us, since);
	o = json_pack("{s:s, s:s?, s:s, s:s?, s:o}", "name", leg->def->name, "user", *leg->user ? leg->user : NULL,
	              "state", leg->state, "since", leg->since_us > 0 ? since : NULL, "segments", segments);
	if (leg->colo[0] != '\0')
		json_object_set_new(o, "colo", json_string(leg->colo));
	if (leg->rtt_us > 0)
		json_object_set_new(o, "rtt_seconds", json_real((double)leg->rtt_us / 1e6));
	if (leg->failed)
		end_add(o, d, leg);
	if (leg->resolver != RESOLVER_UNKNOWN)
		json_object_set_new(o, "resolver", json_string(leg->resolver == RESOLVER_FAILS ? "failed" : "ok"));
	aspect_add(o, "fresh_connections", leg->fresh);
	aspect_add(o, "large_messages", leg->large);
	return o;
}

int leg_row_compare(const struct leg_row *a, const struct leg_row *b)
{
	int r = strcmp(a->def->name, b->def->name);

	return r != 0 ? r : strcmp(a->user, b->user);
}
