/* SPDX-License-Identifier: MIT */
/* Verdicts and their evidence as JSON and as events; see verdict_json.h. */
#include "monitor/verdict_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/summary.h"
#include "ipc/message.h"
#include "sys/time_text.h"

static json_t *path_json(const struct tomo_path *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_string(p->segments[i]));
	return list;
}

void leg_label(const struct leg *leg, char *out, size_t size)
{
	if (leg->user[0] == '\0')
		snprintf(out, size, "%s", leg->def->name);
	else
		snprintf(out, size, "%s(%s)", leg->def->name, leg->user);
}

/* ---- evidence -------------------------------------------------------------------------------------- */

static void leg_failure_add(json_t *o, const struct observation *f)
{
	const struct leg_end *end = observation_end(f);

	json_object_set_new(o, "reason", json_string(end->step == 0 ? "late" : reason_label(end->reason)));
	json_object_set_new(o, "step", json_string(end->step == 0 ? "open" : step_label(end->step)));
	if (end->code != 0)
		json_object_set_new(o, "code", json_integer(end->code));
	json_object_set_new(o, "works_again", json_boolean(f->leg->testimony == LEG_RECOVERED));
}

static json_t *leg_json(const struct observation *f, bool failing)
{
	char label[128];
	json_t *o;

	leg_label(f->leg, label, sizeof label);
	o = json_pack("{s:s, s:s, s:b}", "what", f->resolver ? "resolver" : "leg", "name", label, "failed", failing);
	if (!failing)
		json_object_set_new(o, "rtt_seconds", json_real((double)f->leg->rtt_us / 1e6));
	else if (!f->resolver)
		leg_failure_add(o, f);
	return o;
}

static json_t *drop_json(const struct drop *d)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:i, s:s, s:s, s:f, s:i, s:b, s:b, s:b}", "what", "tunnel", "name",
	                 d->user, "failed", 1, "reason", reason_label(d->reason), "code", (int)d->code, "address",
	                 d->address, "colo", d->colo, "silent_seconds", (double)d->quiet_us / 1e6, "tunnels",
	                 (int)d->tunnels, "returned", (int)d->returned, "other_address", (int)d->moved, "other_colo",
	                 (int)d->other_colo);
}

static json_t *observation_json(const struct observation *f, bool failing)
{
	json_t *o;

	if (f->leg != NULL)
		o = leg_json(f, failing);
	else if (f->drop != NULL)
		o = drop_json(f->drop);
	else
		o = json_pack("{s:s, s:s, s:b}", "what", "tunnel", "name", f->live_tunnel->user, "failed", 0);
	if (f->accused.n > 0)
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

static json_t *evidence_json(const struct verdict *v)
{
	const struct observations *f = v->observations;
	const struct incident *in = v->incident;
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list, observation_json(&f->rows[i], i < f->n_failing));
	if (in->frozen_us > 0)
		json_array_append_new(list, json_pack("{s:s, s:s, s:f}", "what", "frozen", "name", in->frozen_process,
		                                      "seconds", (double)in->frozen_us / 1e6));
	if (in->host_pressure.known)
		json_array_append_new(list, pressure_json(&in->host_pressure));
	return list;
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

static json_t *segments_json(const struct verdict *v)
{
	const char *of_kind = verdict_kind_name(v->kind);

	return of_kind != NULL ? json_pack("[s]", of_kind) : path_json(&v->suspects);
}

json_t *verdict_json(const struct verdict *v)
{
	char when[32], dropped[32], user[128];
	char *name = verdict_name(v, true), *text = summary_make(v);
	json_t *o = NULL;

	time_text(v->wall_us, when);
	time_text(v->drop_us, dropped);
	verdict_user(v, user, sizeof user);
	if (name != NULL && text != NULL)
		o = json_pack("{s:I, s:s, s:s, s:s, s:o, s:s, s:s, s:f, s:I, s:b, s:I, s:o}", "id", (json_int_t)v->id,
		              "time", when, "drop_time", dropped, "verdict", name, "segments", segments_json(v),
		              "user", user, "text", text, "delay_seconds", (double)v->delay_us / 1e6, "failing_paths",
		              (json_int_t)v->failing, "infra_exonerated", v->kind == VERDICT_EXONERATED, "continues",
		              (json_int_t)v->continues, "evidence", evidence_json(v));
	free(name);
	free(text);
	return o;
}

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

void segments_text(const struct tomo_path *p, char *out, size_t size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	out[0] = '\0';
	if (f == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		fprintf(f, "%s%s", i > 0 ? " " : "", p->segments[i]);
	if (fclose(f) == 0)
		text_shorten(text, out, size);
	free(text);
}

void verdict_event(const struct verdict *v, struct event *e)
{
	const char *of_kind = verdict_kind_name(v->kind);
	char *text = summary_make(v);

	event_init(e, EVENT_VERDICT, PROCESS_MONITOR);
	e->id = v->id;
	e->age_us = v->delay_us;
	e->count = v->failing;
	verdict_user(v, e->user, sizeof e->user);
	if (of_kind != NULL)
		event_set(e->segments, of_kind);
	else
		segments_text(&v->suspects, e->segments, sizeof e->segments);
	text_shorten(text != NULL ? text : "", e->text, sizeof e->text);
	free(text);
}
