/* SPDX-License-Identifier: MIT */
/* Verdicts and their evidence as JSON and as events; see verdict_json.h. */
#include "monitor/verdict_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/summary.h"
#include "diagnosis/symptom.h"
#include "ipc/message.h"
#include "sys/time_text.h"

static json_t *path_json(const struct tomo_path *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_string(p->segments[i]));
	return list;
}

static void leg_label(const struct leg *leg, char *out, size_t size)
{
	if (leg->user[0] == '\0')
		snprintf(out, size, "%s", leg->def->name);
	else
		snprintf(out, size, "%s(%s)", leg->def->name, leg->user);
}

/* ---- evidence -------------------------------------------------------------------------------------- */

static bool is_failing(const struct observation *f)
{
	if (f->fresh || f->large)
		return leg_aspect_is_failing(f->fresh ? &f->leg->fresh : &f->leg->large);
	return leg_is_failing(f->leg);
}

/* What of the leg it is about. */
static const char *leg_what(const struct observation *f)
{
	return f->resolver ? "resolver" : f->fresh ? "fresh_connection" : f->large ? "large_message" : "leg";
}

/* How far the heartbeat got that its connection did not answer. */
static void trace_add(json_t *o, const struct observation *f)
{
	if (f->fresh || f->large)
		return;
	if (f->leg->next_hop != BEAT_UNTRACED)
		json_object_set_new(o, "next_hop", json_string(beat_trace_label(f->leg->next_hop)));
	if (f->leg->echo != BEAT_UNTRACED)
		json_object_set_new(o, "echo", json_string(beat_trace_label(f->leg->echo)));
}

static void leg_failure_add(json_t *o, const struct observation *f)
{
	const struct leg_end *end = observation_end(f);

	json_object_set_new(o, "reason", json_string(end->step == 0 ? "late" : reason_label(end->reason)));
	json_object_set_new(o, "step", json_string(end->step == 0 ? "open" : step_label(end->step)));
	if (end->code != 0)
		json_object_set_new(o, "code", json_integer(end->code));
	trace_add(o, f);
	json_object_set_new(o, "works_again", json_boolean(!is_failing(f)));
}

static json_t *leg_json(const struct observation *f, bool failing)
{
	char label[T3OPS_USER_NAME_SIZE + 64];
	json_t *o;

	leg_label(f->leg, label, sizeof label);
	o = json_pack("{s:s, s:s, s:b}", "what", leg_what(f), "name", label, "failed", failing);
	if (f->leg->colo[0] != '\0' && !f->resolver)
		json_object_set_new(o, "colo", json_string(failing ? f->leg->broke_colo : f->leg->alive_colo));
	if (!failing && !f->resolver && !f->fresh && !f->large && f->leg->rtt_us > 0)
		json_object_set_new(o, "rtt_seconds", json_real((double)f->leg->rtt_us / 1e6));
	else if (failing && !f->resolver)
		leg_failure_add(o, f);
	return o;
}

static json_t *drop_json(const struct drop *d)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:s, s:i, s:s, s:s, s:f, s:i, s:b, s:b, s:b}", "what", "tunnel",
	                 "name", d->user, "failed", 1, "page", page_evidence_label(d->evidence), "reason",
	                 reason_label(d->reason), "code", (int)d->code, "address", d->address, "colo", d->colo,
	                 "silent_seconds", (double)d->quiet_us / 1e6, "tunnels", (int)d->tunnels, "returned",
	                 (int)d->returned, "other_address", (int)d->moved, "other_colo", (int)d->other_colo);
}

/* What happened to the host meanwhile. */
static json_t *host_json(const struct host_event *e)
{
	json_t *o = json_pack("{s:s, s:f}", "what", host_event_name(e->kind), "seconds", (double)e->length_us / 1e6);

	if (e->process != NULL)
		json_object_set_new(o, "process", json_string(e->process));
	if (e->servers > 0)
		json_object_set_new(o, "servers", json_integer((json_int_t)e->servers));
	if (e->kills > 0)
		json_object_set_new(o, "kills", json_integer((json_int_t)e->kills));
	return o;
}

static json_t *observation_json(const struct observation *f, bool failing)
{
	json_t *o;

	if (f->leg != NULL)
		o = leg_json(f, failing);
	else if (f->drop != NULL)
		o = drop_json(f->drop);
	else
		o = json_pack("{s:s, s:s, s:b, s:s}", "what", "tunnel", "name", f->live_tunnel->user, "failed", 0,
		              "colo", f->live_tunnel->colo);
	if (f->ours != NULL)
		json_object_set_new(o, "ours", host_json(f->ours));
	if (f->host != NULL)
		json_object_set_new(o, "host", host_json(f->host));
	else if (f->accused.n > 0)
		json_object_set_new(o, "accuses", path_json(&f->accused));
	if (f->acquitted.n > 0)
		json_object_set_new(o, "acquits", path_json(&f->acquitted));
	return o;
}

static json_t *pressure_json(const struct host_pressure *p)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:I}", "what", "pressure", "memory", p->memory, "io", p->io, "cpu",
	                 p->cpu, "oom_kills", (json_int_t)p->oom_kills);
}

/* Own failures and what worked meanwhile, as many as there is room for; *omitted: the others. */
static json_t *evidence_json(const struct verdict_basis *b, size_t *omitted)
{
	const struct observations *o = b->observations;
	size_t room[2] = {VERDICT_WORKING_MAX, VERDICT_FAILING_MAX};
	json_t *list = json_array();

	*omitted = 0;
	for (size_t i = 0; i < o->n; i++) {
		bool failing = i < o->n_failing;

		if (failing && o->rows[i].verdict != b->verdict->id)
			continue;
		if (o->rows[i].proof == TOMO_BY_BACK) /* it acquits its location of what legs say alone */
			continue;
		if (room[failing] == 0) {
			(*omitted)++;
			continue;
		}
		room[failing]--;
		json_array_append_new(list, observation_json(&o->rows[i], failing));
	}
	if (b->pressure->known)
		json_array_append_new(list, pressure_json(b->pressure));
	return list;
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

static json_t *segments_json(const struct verdict_conclusion *f)
{
	const char *of_kind = verdict_kind_name(f->kind);

	return of_kind != NULL ? json_pack("[s]", of_kind) : path_json(&f->suspects);
}

static json_t *users_json(const struct user_set *users)
{
	json_t *list = json_array();

	for (size_t i = 0; i < users->n && i < VERDICT_USERS_MAX; i++)
		json_array_append_new(list, json_string(users->names[i]));
	return list;
}

static void conclusion_add(json_t *o, const char *key, const struct verdict_conclusion *f)
{
	char *name = verdict_name(f, true);

	json_object_set_new(o, key, json_string(name != NULL ? name : ""));
	free(name);
}

static bool has_changed(const struct verdict *v)
{
	return v->change == VERDICT_NARROWED || v->change == VERDICT_CHANGED;
}

static void times_add(json_t *o, const struct verdict_basis *b)
{
	char when[TIME_TEXT_SIZE], dropped[TIME_TEXT_SIZE];

	time_text(b->wall_us, when);
	time_text(b->verdict->drop_wall_us, dropped);
	json_object_set_new(o, "time", json_string(when));
	json_object_set_new(o, "drop_time", json_string(dropped));
	json_object_set_new(o, "delay_seconds", json_real((double)b->delay_us / 1e6));
}

static void conclusion_describe(json_t *o, const struct verdict_basis *b)
{
	const struct verdict *v = b->verdict;
	const char *symptom = symptom_name(symptom_of(b));
	char *text = summary_make(b);

	conclusion_add(o, "verdict", &v->conclusion);
	json_object_set_new(o, "segments", segments_json(&v->conclusion));
	json_object_set_new(o, "infra_exonerated", json_boolean(verdict_exonerates(v, b->topology)));
	json_object_set_new(o, "change", json_string(verdict_change_name(v->change)));
	if (has_changed(v))
		conclusion_add(o, "was", &v->was);
	json_object_set_new(o, "symptom", symptom != NULL ? json_string(symptom) : json_null());
	json_object_set_new(o, "text", json_string(text != NULL ? text : ""));
	free(text);
}

static json_t *works_json(const struct verdict *v)
{
	char works[TIME_TEXT_SIZE];

	if (v->state != VERDICT_STANDING || v->works_us == 0)
		return json_null();
	time_text(verdict_wall_us(v, v->works_us), works);
	return json_string(works);
}

void verdict_json_update(json_t *o, const struct verdict *v, const char *ended_time)
{
	json_object_set_new(o, "state", json_string(verdict_state_name(v->state)));
	json_object_set_new(o, "ended_time", v->state == VERDICT_STANDING ? json_null() : json_string(ended_time));
	json_object_set_new(o, "works_time", works_json(v));
	json_object_set_new(o, "times", json_integer(v->times));
	json_object_set_new(o, "users", users_json(&v->users));
	json_object_set_new(
	    o, "users_omitted",
	    json_integer(v->users.n > VERDICT_USERS_MAX ? (json_int_t)(v->users.n - VERDICT_USERS_MAX) : 0));
	json_object_set_new(o, "users_absent", json_integer((json_int_t)v->absent.n));
}

json_t *verdict_json(const struct verdict_basis *b)
{
	const struct verdict *v = b->verdict;
	size_t omitted;
	json_t *o = json_pack("{s:i, s:I, s:I, s:i}", "version", VERDICT_JSON_VERSION, "id", (json_int_t)v->id,
	                      "incident", (json_int_t)v->incident, "revision", (int)v->revision);

	if (o == NULL)
		return NULL;
	verdict_json_update(o, v, "");
	times_add(o, b);
	conclusion_describe(o, b);
	json_object_set_new(o, "failing_paths", json_integer((json_int_t)v->failing));
	json_object_set_new(o, "evidence", evidence_json(b, &omitted));
	json_object_set_new(o, "evidence_omitted", json_integer((json_int_t)omitted));
	return o;
}

/* ---- events -------------------------------------------------------------------------------------------- */

void text_shorten(const char *text, char *out, size_t size)
{
	static const char mark[] = "...";
	size_t len = strlen(text), keep = size - sizeof mark;

	if (len < size) {
		memcpy(out, text, len + 1);
		return;
	}
	while (keep > 0 && text[keep] != ' ')
		keep--;
	memcpy(out, text, keep);
	memcpy(out + keep, mark, sizeof mark);
}

static void segments_text(const struct tomo_path *p, char *out, size_t size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	out[0] = '\0';
	if (file == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		fprintf(file, "%s%s", i > 0 ? " " : "", p->segments[i]);
	if (fclose(file) == 0)
		text_shorten(text, out, size);
	free(text);
}

static void event_begin(const struct verdict *v, enum event_kind kind, struct event *e)
{
	const char *of_kind = verdict_kind_name(v->conclusion.kind);

	event_init(e, kind, PROCESS_MONITOR);
	e->id = v->incident;
	e->count = v->id;
	if (v->users.n == 1)
		event_set(e->user, v->users.names[0]);
	if (of_kind != NULL)
		event_set(e->segments, of_kind);
	else
		segments_text(&v->conclusion.suspects, e->segments, sizeof e->segments);
}

void verdict_event(const struct verdict_basis *b, struct event *e)
{
	char *text = summary_make(b);

	event_begin(b->verdict, EVENT_VERDICT, e);
	e->code = (uint16_t)b->verdict->revision;
	e->age_us = b->delay_us;
	text_shorten(text != NULL ? text : "", e->text, sizeof e->text);
	free(text);
}

void verdict_standing_event(const struct verdict *v, struct event *e)
{
	event_begin(v, EVENT_VERDICT, e);
	e->code = (uint16_t)v->revision;
}

void verdict_end_event(const struct verdict *v, struct event *e)
{
	event_begin(v, v->state == VERDICT_HEALED ? EVENT_VERDICT_HEALED : EVENT_VERDICT_EXPIRED, e);
	e->age_us = v->ended_us - v->first_us;
}

void drop_event(const struct drop *drop, struct event *e)
{
	event_init(e, EVENT_TUNNEL_DROP, PROCESS_MONITOR);
	e->id = drop->tunnel;
	e->reason = drop->reason;
	e->code = drop->code;
	event_set(e->user, drop->user);
	event_set(e->address, drop->address);
	event_set(e->colo, drop->colo);
	event_set(e->text, page_evidence_sentence(drop->evidence));
}

/* "cf answers in 640 ms, usually 4 ms", "the resolver of cf answers in ..." */
static void slow_text(const struct slow_report *r, char *out, size_t size)
{
	const struct slow *slow = r->lookups ? &r->leg->lookups : &r->leg->slow;
	char label[160];

	leg_label(r->leg, label, sizeof label);
	snprintf(out, size, "%s%s answers in %.0f ms, usually %.0f ms", r->lookups ? "the resolver of " : "", label,
	         (double)slow->latest_us / 1e3, (double)slow->usual_us / 1e3);
}

void slow_event(const struct slow_report *r, struct event *e)
{
	event_init(e, r->over ? EVENT_SLOW_OVER : EVENT_SLOW, PROCESS_MONITOR);
	segments_text(r->where, e->segments, sizeof e->segments);
	if (r->over)
		return;
	e->count = r->users->n;
	if (r->users->n == 1)
		event_set(e->user, r->users->names[0]);
	if (r->leg != NULL)
		slow_text(r, e->text, sizeof e->text);
	else
		event_set(e->text, "pages wait for the answers to their heartbeats");
}
