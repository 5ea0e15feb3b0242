/* SPDX-License-Identifier: MIT */
/* Verdicts as event, JSON and text, and the ring of the last ones; see verdict.h. */
#include "diagnosis/verdict.h"

#include <stdio.h>
#include <string.h>

#include "sys/time_text.h"
#include "ipc/message.h"
#include "diagnosis/topology.h"

void verdict_fini(struct verdict *v)
{
	json_decref(v->evidence);
	v->evidence = NULL;
}

static void joined(const char *segments, bool with_user, char *out, size_t size)
{
	char word[160], base[160];
	size_t used = 0;

	out[0] = '\0';
	while (*segments != '\0' && used < size) {
		size_t len = strcspn(segments, " ");
		int n;

		if (len > 0 && len < sizeof word) {
			memcpy(word, segments, len);
			word[len] = '\0';
			segment_base(word, base, sizeof base);
			n = snprintf(out + used, size - used, "%s%s", used > 0 ? " or " : "",
			             with_user ? word : base);
			used += n > 0 ? (size_t)n : 0;
		}
		segments += len + (segments[len] == ' ');
	}
}

void verdict_joined(const char *segments, char *out, size_t size)
{
	joined(segments, true, out, size);
}

void verdict_label(const char *segments, char *out, size_t size)
{
	joined(segments, false, out, size);
}

void verdict_event(const struct verdict *v, struct event *e)
{
	event_init(e, EVENT_VERDICT, PROCESS_MONITOR);
	e->id = v->id;
	e->age_us = v->delay_us;
	e->count = v->failing;
	event_set(e->user, v->user);
	event_set(e->segments, v->segments);
	event_set(e->text, v->text);
}

static json_t *words_json(const char *segments)
{
	json_t *list = json_array();

	while (*segments != '\0') {
		size_t len = strcspn(segments, " ");

		if (len > 0)
			json_array_append_new(list, json_stringn(segments, len));
		segments += len + (segments[len] == ' ');
	}
	return list;
}

json_t *verdict_json(const struct verdict *v)
{
	char name[256], when[32], dropped[32];

	verdict_joined(v->segments, name, sizeof name);
	time_text(v->wall_us, when);
	time_text(v->drop_us, dropped);
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:s, s:s, s:f, s:I, s:b, s:I, s:O?}", "id", (json_int_t)v->id,
	                 "time", when, "drop_time", dropped, "verdict", name, "segments", words_json(v->segments),
	                 "user", v->user, "text", v->text, "delay_seconds", (double)v->delay_us / 1e6,
	                 "failing_paths", (json_int_t)v->failing, "infra_exonerated", v->exonerated, "continues",
	                 (json_int_t)v->continues, "evidence", v->evidence);
}

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
