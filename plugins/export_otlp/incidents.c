/* SPDX-License-Identifier: MIT */
/* Incidents as traces; see incidents.h. */
#include "export_otlp/incidents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define INCIDENTS_MAX 64
#define VERDICTS_MAX  64                  /* of one incident */
#define BREAKS_MAX    512                 /* drops and legs that are remembered */
#define REVISIONS_MAX 32                  /* of one verdict that are kept as events */
#define BEFORE_US     UINT64_C(2000000)   /* what broke so long before the first drop belongs to it */
#define FORGET_US     UINT64_C(600000000) /* what is back for so long belongs to nothing any more */

/* Something that broke: a user's WebSocket, or a leg. */
struct broken {
	TAILQ_ENTRY(broken) link;
	bool is_leg;
	uint64_t time_us, back_us; /* back_us 0: not yet */
	char *plugin, *user, *segments;
	json_t *attributes;
};

struct verdict_row {
	LIST_ENTRY(verdict_row) link;
	uint64_t id, since_us, given_us, ended_us; /* ended_us 0: it stands */
	const char *end;                           /* static; "healed", "expired" */
	char *segments, *summary;
	json_t *revisions, *users;
};

struct incident {
	TAILQ_ENTRY(incident) link;
	uint64_t id, since_us;
	LIST_HEAD(, verdict_row) verdicts;
	size_t n_verdicts, omitted;
};

TAILQ_HEAD(incident_list, incident);

struct incidents {
	uint64_t seed;
	incidents_span_cb cb;
	void *arg;
	struct incident_list open;
	TAILQ_HEAD(, broken) broken; /* oldest first */
	size_t n_open, n_broken;
};

/* ---- identifiers ------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ (x >> 33);
}

static uint64_t text_hash(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return mix(hash);
}

void incidents_trace_id(const struct incidents *t, uint64_t incident, char out[OTLP_TRACE_ID_SIZE])
{
	uint64_t high = mix(t->seed ^ mix(incident)), low = mix(high ^ mix(incident + 1));

	out[0] = '\0';
	if (incident != 0)
		snprintf(out, OTLP_TRACE_ID_SIZE, "%016" PRIx64 "%016" PRIx64, high, low != 0 ? low : 1);
}

/* The same thing has the same one, also after a restart. */
static void span_id(const struct incidents *t, const char *what, uint64_t id, uint64_t time_us,
                    char out[OTLP_SPAN_ID_SIZE])
{
	uint64_t hash = mix(text_hash(t->seed, what) ^ mix(id) ^ mix(time_us + 1));

	snprintf(out, OTLP_SPAN_ID_SIZE, "%016" PRIx64, hash != 0 ? hash : 1);
}

/* ---- what broke -------------------------------------------------------------------------------------------- */

static void broken_free(struct incidents *t, struct broken *b)
{
	TAILQ_REMOVE(&t->broken, b, link);
	t->n_broken--;
	json_decref(b->attributes);
	free(b->plugin);
	free(b->user);
	free(b->segments);
	free(b);
}

static void broken_expire(struct incidents *t, uint64_t now_us)
{
	struct broken *b, *next;

	for (b = TAILQ_FIRST(&t->broken); b != NULL; b = next) {
		next = TAILQ_NEXT(b, link);
		if (t->n_open == 0 && b->back_us != 0 && b->back_us + FORGET_US < now_us)
			broken_free(t, b);
	}
	while (t->n_broken > BREAKS_MAX)
		broken_free(t, TAILQ_FIRST(&t->broken));
}

/* What the event says of it, as its span has it. */
static json_t *broken_attributes(const struct t3ops_event *e)
{
	static const char *const keys[] = {"tunnel", "reason", "close_code", "detail", "step", "colo"};
	json_t *pairs = json_loads(e->json, 0, NULL), *attributes = otlp_attributes_new();
	char name[64];

	otlp_attribute_text(attributes, "user.name", e->user);
	otlp_attribute_text(attributes, "client.address", json_string_value(json_object_get(pairs, "client")));
	otlp_attribute_text(attributes, "t3ops.plugin", e->plugin);
	otlp_attribute_text(attributes, "t3ops.segments", e->segments);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const json_t *value = json_object_get(pairs, keys[i]);

		snprintf(name, sizeof name, "t3ops.%s", keys[i]);
		if (json_is_integer(value))
			otlp_attribute_number(attributes, name, json_integer_value(value));
		else
			otlp_attribute_text(attributes, name, json_string_value(value));
	}
	json_decref(pairs);
	return attributes;
}

static void broken_add(struct incidents *t, const struct t3ops_event *e, bool is_leg)
{
	struct broken *b = calloc(1, sizeof *b);

	if (b == NULL)
		return;
	*b = (struct broken){.is_leg = is_leg,
	                     .time_us = e->time_us,
	                     .plugin = strdup(e->plugin),
	                     .user = strdup(e->user),
	                     .segments = strdup(e->segments),
	                     .attributes = broken_attributes(e)};
	TAILQ_INSERT_TAIL(&t->broken, b, link);
	t->n_broken++;
	if (b->plugin == NULL || b->user == NULL || b->segments == NULL)
		broken_free(t, b);
	broken_expire(t, e->time_us);
}

static void broken_back(struct incidents *t, const struct t3ops_event *e, bool is_leg)
{
	struct broken *b;

	TAILQ_FOREACH (b, &t->broken, link)
		if (b->back_us == 0 && b->is_leg == is_leg && strcmp(b->user, e->user) == 0 &&
		    (!is_leg || strcmp(b->plugin, e->plugin) == 0))
			b->back_us = e->time_us;
}

/* ---- verdicts ------------------------------------------------------------------------------------------------ */

static void verdict_release(struct verdict_row *v)
{
	json_decref(v->revisions);
	json_decref(v->users);
	free(v->segments);
	free(v->summary);
	free(v);
}

static void incident_free(struct incidents *t, struct incident *in)
{
	struct verdict_row *v;

	while ((v = LIST_FIRST(&in->verdicts)) != NULL) {
		LIST_REMOVE(v, link);
		verdict_release(v);
	}
	TAILQ_REMOVE(&t->open, in, link);
	t->n_open--;
	free(in);
}

static struct incident *incident_find(struct incidents *t, uint64_t id)
{
	struct incident *in;

	TAILQ_FOREACH (in, &t->open, link)
		if (in->id == id)
			break;
	return in;
}

static struct verdict_row *verdict_find(struct incident *in, uint64_t id)
{
	struct verdict_row *v;

	LIST_FOREACH (v, &in->verdicts, link)
		if (v->id == id)
			break;
	return v;
}

static void incident_finish(struct incidents *t, struct incident *in, uint64_t now_us);

static struct incident *incident_add(struct incidents *t, uint64_t id, uint64_t since_us, uint64_t now_us)
{
	struct incident *in = calloc(1, sizeof *in);

	if (in == NULL)
		return NULL;
	if (t->n_open == INCIDENTS_MAX)
		incident_finish(t, TAILQ_FIRST(&t->open), now_us);
	in->id = id;
	in->since_us = since_us;
	LIST_INIT(&in->verdicts);
	TAILQ_INSERT_TAIL(&t->open, in, link);
	t->n_open++;
	return in;
}

static struct verdict_row *verdict_new(uint64_t id, uint64_t since_us)
{
	struct verdict_row *v = calloc(1, sizeof *v);

	if (v == NULL)
		return NULL;
	*v = (struct verdict_row){.id = id,
	                          .since_us = since_us,
	                          .segments = strdup(""),
	                          .summary = strdup(""),
	                          .revisions = json_array(),
	                          .users = json_array()};
	if (v->segments != NULL && v->summary != NULL)
		return v;
	verdict_release(v);
	return NULL;
}

static struct verdict_row *verdict_add(struct incident *in, uint64_t id, uint64_t since_us)
{
	struct verdict_row *v = in->n_verdicts < VERDICTS_MAX ? verdict_new(id, since_us) : NULL;

	if (v == NULL) {
		in->omitted++;
		return NULL;
	}
	LIST_INSERT_HEAD(&in->verdicts, v, link);
	in->n_verdicts++;
	if (since_us < in->since_us)
		in->since_us = since_us;
	return v;
}

static void text_set(char **field, const char *text)
{
	char *copy = strdup(text != NULL ? text : "");

	if (copy == NULL)
		return;
	free(*field);
	*field = copy;
}

static void revision_add(struct verdict_row *v, const struct t3ops_event *e, const json_t *pairs)
{
	json_t *attributes;

	if (json_array_size(v->revisions) == REVISIONS_MAX)
		return;
	attributes = otlp_attributes_new();
	otlp_attribute_number(attributes, "t3ops.revision",
	                      (int64_t)json_integer_value(json_object_get(pairs, "revision")));
	otlp_attribute_text(attributes, "t3ops.segments", e->segments);
	otlp_attribute_text(attributes, "t3ops.summary", v->summary);
	otlp_span_event_add(v->revisions, "revision", e->time_us, attributes);
}

static void verdict_revise(struct verdict_row *v, const struct t3ops_event *e)
{
	json_t *pairs = json_loads(e->json, 0, NULL);

	v->ended_us = 0;
	v->given_us = e->time_us;
	text_set(&v->segments, e->segments);
	text_set(&v->summary, json_string_value(json_object_get(pairs, "summary")));
	json_array_clear(v->users);
	for (const char *const *user = e->users; user != NULL && *user != NULL; user++)
		json_array_append_new(v->users, json_string(*user));
	revision_add(v, e, pairs);
	json_decref(pairs);
}

/* When what the event is about began.  One that healed and is back began after that. */
static uint64_t began_us(const struct t3ops_event *e)
{
	json_t *pairs = json_loads(e->json, 0, NULL);
	uint64_t delay_us = (uint64_t)json_integer_value(json_object_get(pairs, "duration_ms")) * 1000;
	uint64_t by_delay_us = delay_us > 0 && delay_us < e->time_us ? e->time_us - delay_us : 0;

	json_decref(pairs);
	if (e->since_us == 0 || e->since_us > e->time_us)
		return by_delay_us > 0 ? by_delay_us : e->time_us;
	return e->since_us > by_delay_us ? e->since_us : by_delay_us;
}

static void on_verdict(struct incidents *t, const struct t3ops_event *e)
{
	uint64_t since_us = began_us(e);
	struct incident *in = incident_find(t, e->incident);
	struct verdict_row *v;

	if (in == NULL)
		in = incident_add(t, e->incident, since_us, e->time_us);
	if (in == NULL)
		return;
	v = verdict_find(in, e->verdict);
	if (v == NULL)
		v = verdict_add(in, e->verdict, since_us);
	if (v != NULL)
		verdict_revise(v, e);
}

static bool stands(const struct incident *in)
{
	const struct verdict_row *v;

	LIST_FOREACH (v, &in->verdicts, link)
		if (v->ended_us == 0)
			return true;
	return false;
}

static void on_ended(struct incidents *t, const struct t3ops_event *e, const char *end)
{
	struct incident *in = incident_find(t, e->incident);
	struct verdict_row *v = in != NULL ? verdict_find(in, e->verdict) : NULL;

	if (v == NULL)
		return;
	v->ended_us = e->time_us;
	v->end = end;
	if (!stands(in))
		incident_finish(t, in, e->time_us);
}

/* ---- spans --------------------------------------------------------------------------------------------------- */

static void span_give(struct incidents *t, struct otlp_span *s)
{
	char *text;

	if (s->end_us < s->start_us)
		s->end_us = s->start_us;
	text = otlp_span_record(s);
	json_decref(s->attributes);
	if (text != NULL)
		t->cb(t->arg, text);
}

/* Whether a verdict names segments, not what kind of verdict it is. */
static bool names_segments(const struct verdict_row *v)
{
	static const char *const kinds[] = {"", "exonerated", "host", "inconclusive", "prober", "unknown"};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(v->segments, kinds[i]) == 0)
			return false;
	return true;
}

/* "serve(alice)" of a verdict and "serve" of alice's leg; "cloudflare(FRA)" and "cloudflare". */
static bool is_crossed(const char *suspect, size_t len, const struct broken *leg)
{
	const char *bracket = memchr(suspect, '(', len), *at = leg->segments;
	size_t base = bracket != NULL ? (size_t)(bracket - suspect) : len, user = strlen(leg->user);

	if (bracket != NULL && user > 0 && (len != base + user + 2 || memcmp(bracket + 1, leg->user, user) != 0))
		return false;
	while (*at != '\0') {
		size_t n = strcspn(at, " ");

		if (n == base && memcmp(at, suspect, n) == 0)
			return true;
		at += n;
		at += strspn(at, " ");
	}
	return false;
}

static bool crosses(const struct broken *leg, const char *suspects)
{
	while (*suspects != '\0') {
		size_t len = strcspn(suspects, " ");

		if (len > 0 && is_crossed(suspects, len, leg))
			return true;
		suspects += len;
		suspects += strspn(suspects, " ");
	}
	return false;
}

static bool users_have(const json_t *users, const char *user)
{
	for (size_t i = 0; i < json_array_size(users); i++)
		if (strcmp(json_string_value(json_array_get(users, i)), user) == 0)
			return true;
	return false;
}

static bool is_part_of(const struct broken *b, const struct verdict_row *v, uint64_t now_us)
{
	uint64_t until_us = v->ended_us != 0 ? v->ended_us : now_us;

	if (b->time_us + BEFORE_US < v->since_us || b->time_us > until_us)
		return false;
	return b->is_leg ? names_segments(v) && crosses(b, v->segments) : users_have(v->users, b->user);
}

static void heal_span(struct incidents *t, const struct verdict_row *v, const struct otlp_span *parent)
{
	struct otlp_span s = {.name = "heal",
	                      .start_us = v->given_us,
	                      .end_us = v->ended_us,
	                      .status = strcmp(v->end, "healed") == 0 ? OTLP_STATUS_OK : OTLP_STATUS_UNSET,
	                      .status_text = "",
	                      .attributes = otlp_attributes_new()};

	memcpy(s.trace_id, parent->trace_id, sizeof s.trace_id);
	memcpy(s.parent_id, parent->span_id, sizeof s.parent_id);
	span_id(t, "heal", v->id, v->given_us, s.span_id);
	otlp_attribute_number(s.attributes, "t3ops.verdict", (int64_t)v->id);
	otlp_attribute_text(s.attributes, "t3ops.end", v->end);
	span_give(t, &s);
}

static void verdict_span(struct incidents *t, const struct verdict_row *v, const struct otlp_span *parent)
{
	struct otlp_span s = {.name = "verdict",
	                      .start_us = v->since_us,
	                      .end_us = v->given_us,
	                      .status = names_segments(v) ? OTLP_STATUS_ERROR : OTLP_STATUS_UNSET,
	                      .status_text = names_segments(v) ? v->segments : "",
	                      .attributes = otlp_attributes_new(),
	                      .events = v->revisions};

	memcpy(s.trace_id, parent->trace_id, sizeof s.trace_id);
	memcpy(s.parent_id, parent->span_id, sizeof s.parent_id);
	span_id(t, "verdict", v->id, v->since_us, s.span_id);
	otlp_attribute_number(s.attributes, "t3ops.verdict", (int64_t)v->id);
	otlp_attribute_text(s.attributes, "t3ops.segments", v->segments);
	otlp_attribute_text(s.attributes, "t3ops.summary", v->summary);
	otlp_attribute_number(s.attributes, "t3ops.users", (int64_t)json_array_size(v->users));
	if (v->ended_us != 0)
		heal_span(t, v, &s);
	span_give(t, &s);
}

static void broken_span(struct incidents *t, const struct broken *b, const struct otlp_span *parent)
{
	struct otlp_span s = {.name = b->is_leg ? "leg_down" : "drop",
	                      .start_us = b->time_us,
	                      .end_us = b->back_us != 0 ? b->back_us : parent->end_us,
	                      .status = OTLP_STATUS_ERROR,
	                      .status_text = b->back_us != 0 ? "" : "not back at the end of the incident",
	                      .attributes = json_incref(b->attributes)};
	char what[600];

	memcpy(s.trace_id, parent->trace_id, sizeof s.trace_id);
	memcpy(s.parent_id, parent->span_id, sizeof s.parent_id);
	snprintf(what, sizeof what, "%s %s %s", s.name, b->plugin, b->user);
	span_id(t, what, 0, b->time_us, s.span_id);
	span_give(t, &s);
}

static bool is_part(const struct broken *b, const struct incident *in, uint64_t now_us)
{
	const struct verdict_row *v;

	LIST_FOREACH (v, &in->verdicts, link)
		if (is_part_of(b, v, now_us))
			return true;
	return false;
}

static void incident_span(struct incidents *t, const struct incident *in, struct otlp_span *s)
{
	const struct verdict_row *v;

	otlp_attribute_number(s->attributes, "t3ops.incident", (int64_t)in->id);
	otlp_attribute_number(s->attributes, "t3ops.verdicts", (int64_t)in->n_verdicts);
	if (in->omitted > 0)
		otlp_attribute_number(s->attributes, "t3ops.verdicts_omitted", (int64_t)in->omitted);
	LIST_FOREACH (v, &in->verdicts, link) {
		otlp_attribute_text(s->attributes, "t3ops.segments", v->segments);
		break; /* the latest one */
	}
	span_give(t, s);
}

/* At the end of its last verdict, or when there is no room for it any more. */
static void incident_finish(struct incidents *t, struct incident *in, uint64_t now_us)
{
	struct otlp_span s = {.name = "incident",
	                      .start_us = in->since_us,
	                      .end_us = now_us,
	                      .status = OTLP_STATUS_ERROR,
	                      .status_text = stands(in) ? "not over: too many incidents at once" : "",
	                      .attributes = otlp_attributes_new()};
	const struct verdict_row *v;
	struct broken *b;

	incidents_trace_id(t, in->id, s.trace_id);
	span_id(t, "incident", in->id, in->since_us, s.span_id);
	LIST_FOREACH (v, &in->verdicts, link)
		verdict_span(t, v, &s);
	TAILQ_FOREACH (b, &t->broken, link)
		if (is_part(b, in, now_us))
			broken_span(t, b, &s);
	incident_span(t, in, &s);
	incident_free(t, in);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct incidents *incidents_new(const char *seed, incidents_span_cb cb, void *arg)
{
	struct incidents *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->seed = text_hash(UINT64_C(0xcbf29ce484222325), seed);
	t->cb = cb;
	t->arg = arg;
	TAILQ_INIT(&t->open);
	TAILQ_INIT(&t->broken);
	return t;
}

void incidents_free(struct incidents *t)
{
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->open))
		incident_free(t, TAILQ_FIRST(&t->open));
	while (!TAILQ_EMPTY(&t->broken))
		broken_free(t, TAILQ_FIRST(&t->broken));
	free(t);
}

void incidents_event(struct incidents *t, const struct t3ops_event *e)
{
	if (strcmp(e->kind, "tunnel_dropped") == 0)
		broken_add(t, e, false);
	else if (strcmp(e->kind, "leg_down") == 0)
		broken_add(t, e, true);
	else if (strcmp(e->kind, "tunnel_opened") == 0)
		broken_back(t, e, false);
	else if (strcmp(e->kind, "leg_up") == 0)
		broken_back(t, e, true);
	else if (strcmp(e->kind, "verdict") == 0)
		on_verdict(t, e);
	else if (strcmp(e->kind, "verdict_healed") == 0)
		on_ended(t, e, "healed");
	else if (strcmp(e->kind, "verdict_expired") == 0)
		on_ended(t, e, "expired");
}
