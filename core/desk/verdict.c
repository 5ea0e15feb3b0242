/* SPDX-License-Identifier: MIT */
/* Verdicts as event, JSON and text, and the ring of the last ones; see verdict.h. */
#include "desk/verdict.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/message.h"
#include "desk/topology.h"

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
	event_init(e, EVENT_VERDICT, ROOM_DESK);
	e->id = v->id;
	e->age_us = v->delay_us;
	e->count = v->failing;
	event_set(e->user, v->user);
	event_set(e->segments, v->segments);
	event_set(e->text, v->text);
}

void time_text(uint64_t wall_us, char out[32])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	size_t n;

	if (gmtime_r(&seconds, &tm) == NULL) {
		out[0] = '\0';
		return;
	}
	n = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(wall_us / 1000 % 1000));
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
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o, s:s, s:s, s:f, s:I, s:b, s:I, s:O?}", "id",
	                 (json_int_t)v->id, "serial", (json_int_t)v->serial, "time", when, "drop_time", dropped,
	                 "verdict", name, "segments", words_json(v->segments), "user", v->user, "text", v->text,
	                 "delay_seconds", (double)v->delay_us / 1e6, "failing_paths", (json_int_t)v->failing,
	                 "infra_exonerated", v->exonerated, "continues", (json_int_t)v->continues, "evidence",
	                 v->evidence);
}

struct verdict *verdict_ring_add(struct verdict_ring *r, struct verdict *v)
{
	struct verdict *row = &r->rows[r->given % VERDICTS_KEPT];

	verdict_fini(row);
	*row = *v;
	v->evidence = NULL;
	row->serial = ++r->given;
	return row;
}

void verdict_ring_fini(struct verdict_ring *r)
{
	for (size_t i = 0; i < VERDICTS_KEPT; i++)
		verdict_fini(&r->rows[i]);
}

const struct verdict *verdict_ring_at(const struct verdict_ring *r, size_t n)
{
	if (n >= VERDICTS_KEPT || n >= r->given)
		return NULL;
	return &r->rows[(r->given - 1 - n) % VERDICTS_KEPT];
}

json_t *verdict_ring_json(const struct verdict_ring *r, uint64_t after)
{
	json_t *list = json_array();
	const struct verdict *v;

	for (size_t n = 0; (v = verdict_ring_at(r, n)) != NULL && v->serial > after; n++)
		json_array_append_new(list, verdict_json(v));
	return list;
}
