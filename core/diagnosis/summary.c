/* SPDX-License-Identifier: MIT */
/* A verdict in words; see summary.h. */
#include "diagnosis/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_timing.h"
#include "diagnosis/locations.h"
#include "diagnosis/symptom.h"
#include "tbl/reason.h"

#define NAMED_AT_MOST 4                /* the rest is counted */
#define QUIET_MIN_US  UINT64_C(100000) /* less is no silence */

static void leg_label_put(FILE *out, const struct leg *leg)
{
	if (leg->user[0] == '\0')
		fputs(leg->def->name, out);
	else
		fprintf(out, "%s(%s)", leg->def->name, leg->user);
}

static void leg_failure_put(FILE *out, const struct observation *f)
{
	const struct leg_end *end = observation_end(f);

	if (f->resolver) {
		fputs("the resolver of ", out);
		leg_label_put(out, f->leg);
		fputs(" failed", out);
		return;
	}
	fputs(f->fresh ? "a fresh connection of " : f->large ? "a large message of " : "", out);
	leg_label_put(out, f->leg);
	if (f->large) {
		fputs(" was lost", out);
		return;
	}
	if (end->step == 0)
		fputs(" stopped answering", out);
	else if (end->code != 0)
		fprintf(out, " failed at %s (%s %u)", step_label(end->step), reason_label(end->reason), end->code);
	else
		fprintf(out, " failed at %s (%s)", step_label(end->step), reason_label(end->reason));
	if (!f->fresh && f->leg->never_up)
		fputs(" since t3ops started", out);
}

static void quiet_put(FILE *out, const struct drop *d)
{
	double seconds = (double)d->quiet_us / 1e6;

	if (d->quiet_us < QUIET_MIN_US)
		return;
	if (d->evidence == PAGE_ANSWERS_NOT_TAKEN)
		fprintf(out, " for %.1f s", seconds);
	else
		fprintf(out, " after %s%.1f s of silence", d->evidence == PAGE_LATE_PINGS ? "at least " : "",
		        seconds);
}

static void drop_put(FILE *out, const struct drop *d)
{
	bool known = d->evidence != PAGE_NONE;

	fprintf(out, "%s lost %u WebSocket%s (%s", d->user, d->tunnels, d->tunnels == 1 ? "" : "s",
	        known ? page_evidence_label(d->evidence) : reason_label(d->reason));
	if (d->why[0] != '\0')
		fprintf(out, ": %s", d->why);
	quiet_put(out, d);
	fprintf(out, "%s%s)", d->moved ? ", came back from another address" : "",
	        d->other_colo ? ", came back over another location" : "");
}

static void failures_put(FILE *out, const struct verdict_basis *b)
{
	size_t named = 0, more = 0;

	for (size_t i = 0; i < b->observations->n_failing; i++) {
		const struct observation *f = &b->observations->rows[i];

		if (f->verdict != b->verdict->id)
			continue;
		if (named == NAMED_AT_MOST) {
			more++;
			continue;
		}
		fputs(named++ > 0 ? ", " : "", out);
		if (f->leg != NULL)
			leg_failure_put(out, f);
		else
			drop_put(out, f->drop);
	}
	if (more > 0)
		fprintf(out, " and %zu more", more);
}

/* Legs that failed later are named by that; a user is named once. */
static bool is_worth_naming(const struct observations *o, size_t i)
{
	const struct observation *f = &o->rows[i];

	return !f->resolver && !f->fresh && !f->large && (f->leg == NULL || !leg_fails(f->leg)) &&
	       (f->leg != NULL || i == 0 || o->rows[i - 1].live_tunnel != f->live_tunnel);
}

/* Look-ups and the like go without saying, unless a revision no longer names what they acquit. */
static bool is_reason_of_change(const struct verdict *v, const struct observation *f)
{
	if (v->change != VERDICT_NARROWED && v->change != VERDICT_CHANGED)
		return false;
	if (!f->resolver && !f->fresh && !f->large)
		return false;
	for (size_t i = 0; i < f->acquitted.n; i++)
		if (tomo_path_has(&v->was.suspects, f->acquitted.segments[i]) &&
		    !tomo_path_has(&v->conclusion.suspects, f->acquitted.segments[i]))
			return true;
	return false;
}

static void colo_put(FILE *out, const char *colo, bool located)
{
	if (located && colo[0] != '\0')
		fprintf(out, " over %s", colo);
}

static void working_name(FILE *out, const struct observation *f, bool located)
{
	const char *colo = f->leg != NULL ? f->leg->alive_colo : f->live_tunnel->colo;

	if (f->leg == NULL) {
		fprintf(out, "a WebSocket of %s", f->live_tunnel->user);
		colo_put(out, colo, located);
		return;
	}
	fputs(f->resolver ? "the resolver of "
	      : f->fresh  ? "a fresh connection of "
	      : f->large  ? "a large message of "
	                  : "",
	      out);
	leg_label_put(out, f->leg);
	if (!f->resolver && !f->fresh && !f->large && f->leg->rtt_us > 0)
		fprintf(out, " %.0f ms", (double)f->leg->rtt_us / 1e3);
	if (!f->resolver && !f->fresh && !f->large)
		colo_put(out, colo, located);
}

struct working {
	size_t named, more;
};

static void working_add(FILE *out, struct working *w, const struct observation *f, bool located)
{
	if (w->named == NAMED_AT_MOST) {
		w->more++;
		return;
	}
	fputs(w->named++ > 0 ? ", " : " while ", out);
	working_name(out, f, located);
}

/* What worked meanwhile: the data behind an acquittal. */
static void working_put(FILE *out, const struct verdict_basis *b)
{
	const struct observations *o = b->observations;
	struct working w = {0, 0};
	const char *colo;
	bool located = locations_suspected(b->topology, &b->verdict->conclusion.suspects, &colo);

	for (size_t i = o->n_failing; i < o->n; i++)
		if (is_reason_of_change(b->verdict, &o->rows[i]))
			working_add(out, &w, &o->rows[i], located);
	for (size_t i = o->n_failing; i < o->n; i++)
		if (is_worth_naming(o, i))
			working_add(out, &w, &o->rows[i], located);
	if (w.more > 0)
		fprintf(out, " and %zu more", w.more);
	if (w.named > 0)
		fputs(" answered", out);
}

static void pressure_put(FILE *out, const struct host_pressure *p)
{
	if (p->known && p->oom_kills > 0)
		fprintf(out, "; the kernel killed %llu for lack of memory", (unsigned long long)p->oom_kills);
	if (p->known && p->memory > STRAINED_PART)
		fprintf(out, "; the host waited for memory %.0f %% of the time", p->memory * 100);
}

static void name_put(FILE *out, const struct verdict_conclusion *f)
{
	char *name = verdict_name(f, true);

	fputs(name != NULL ? name : "another", out);
	free(name);
}

/* What is new about it, if it was given before. */
static void change_put(FILE *out, const struct verdict *v)
{
	switch (v->change) {
	case VERDICT_NEW:
		break;
	case VERDICT_NARROWED:
		fputs("narrowed, was ", out);
		name_put(out, &v->was);
		fputs(": ", out);
		break;
	case VERDICT_CHANGED:
		fputs("new evidence, was ", out);
		name_put(out, &v->was);
		fputs(": ", out);
		break;
	case VERDICT_USERS:
		fprintf(out, "the fault of verdict %llu affected %susers: ", (unsigned long long)v->id,
		        v->named_users ? "more " : "");
		break;
	case VERDICT_AGAIN:
		fprintf(out, "the fault of verdict %llu recurred: ", (unsigned long long)v->id);
		break;
	}
}

/* What explains one of its members; of the host, else of ours. */
static const struct host_event *host_event_of(const struct verdict_basis *b)
{
	for (size_t i = 0; i < b->observations->n_failing; i++) {
		const struct observation *f = &b->observations->rows[i];

		if (f->verdict == b->verdict->id && (f->host != NULL || f->ours != NULL))
			return f->host != NULL ? f->host : f->ours;
	}
	return NULL;
}

static void offline_put(FILE *out, const struct host_event *e)
{
	fputs("this machine lost its own network, no default route over a link with carrier was left", out);
	if (e->length_us > 0)
		fprintf(out, " for %.1f s", (double)e->length_us / 1e6);
	fputs(", so no segment can be told: ", out);
}

static void host_put(FILE *out, const struct host_event *e)
{
	double seconds = (double)e->length_us / 1e6;

	switch (e->kind) {
	case HOST_FROZEN:
		fprintf(out, "t3ops itself (%s) was frozen for %.1f s: ", e->process, seconds);
		break;
	case HOST_SUSPENDED:
		fprintf(out, "this machine was suspended for %.1f s: ", seconds);
		break;
	case HOST_OOM_KILL:
		fprintf(out, "the kernel killed %llu process%s for lack of memory: ", (unsigned long long)e->kills,
		        e->kills == 1 ? "" : "es");
		break;
	case HOST_STRAINED:
		fprintf(out, "everything on this machine waited %.1f s for memory: ", seconds);
		break;
	case HOST_CLOCK_SET: /* explains nothing */
		break;
	case HOST_STARVED:
		fprintf(out, "this machine was overloaded, t3ops itself was late by %.1f s: ", seconds);
		break;
	case HOST_OVERLOADED:
		fprintf(out,
		        "the servers of %u users were late at once, while this machine kept programs waiting for "
		        "%.1f s: ",
		        e->servers, seconds);
		break;
	case HOST_OFFLINE:
		offline_put(out, e);
		break;
	case HOST_PROXY_GONE:
		fprintf(out, "a proxy of t3ops %s: ", e->length_us > 0 ? "hung and was killed" : "died");
		break;
	}
}

static bool users_work(const struct verdict_basis *b)
{
	for (size_t i = b->observations->n_failing; i < b->observations->n; i++)
		if (b->observations->rows[i].live_tunnel != NULL)
			return true;
	return false;
}

static void kind_put(FILE *out, const struct verdict_basis *b)
{
	const struct host_event *host = host_event_of(b);

	switch (b->verdict->conclusion.kind) {
	case VERDICT_FAULT:
		if (verdict_exonerates(b->verdict, b->topology))
			fputs("infra exonerated: ", out);
		else if (host != NULL && host->kind != HOST_OFFLINE)
			host_put(out, host);
		break;
	case VERDICT_EXONERATED:
		fputs("infra exonerated, cause unproven: ", out);
		break;
	case VERDICT_HOST:
	case VERDICT_INCONCLUSIVE:
		if (host != NULL)
			host_put(out, host);
		break;
	case VERDICT_PROBER:
		fprintf(out, "only the prober's own path is broken, %s: ",
		        users_work(b) ? "users' tunnels work" : "other legs cross the same segments");
		break;
	case VERDICT_UNKNOWN:
		fputs("everything on the failing paths also worked: ", out);
		break;
	}
}

/* What is known of the location that is a suspect. */
static void location_put(FILE *out, const struct verdict_basis *b)
{
	const struct tomo_path *suspects = &b->verdict->conclusion.suspects;
	const char *colo;

	if (!locations_suspected(b->topology, suspects, &colo))
		return;
	fprintf(out, ", over location %.*s", (int)strcspn(colo, ")"), colo);
	if (topology_is_personal(b->topology, suspects))
		fputs(
		    ", where no leg of ours and no other user was heard all the time, so that the user's own network "
		    "and that location cannot be told apart,",
		    out);
}

static void summary_put(FILE *out, const struct verdict_basis *b)
{
	enum symptom symptom = symptom_of(b);

	change_put(out, b->verdict);
	kind_put(out, b);
	failures_put(out, b);
	location_put(out, b);
	working_put(out, b);
	if (symptom != SYMPTOM_NONE)
		fprintf(out, "; %s", symptom_words(symptom));
	if (b->verdict->conclusion.kind != VERDICT_HOST && b->verdict->conclusion.kind != VERDICT_INCONCLUSIVE)
		pressure_put(out, b->pressure);
}

char *summary_make(const struct verdict_basis *b)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	summary_put(out, b);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
