/* SPDX-License-Identifier: MIT */
/* A verdict in words; see summary.h. */
#include "diagnosis/summary.h"

#include <stdio.h>
#include <stdlib.h>

#include "tbl/reason.h"

#define NAMED_AT_MOST 4   /* the rest is counted */
#define STRAINED      0.2 /* share of the time that everything waited for memory */

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
	leg_label_put(out, f->leg);
	if (end->step == 0)
		fputs(" stopped answering", out);
	else if (end->code != 0)
		fprintf(out, " failed at %s (%s %u)", step_label(end->step), reason_label(end->reason), end->code);
	else
		fprintf(out, " failed at %s (%s)", step_label(end->step), reason_label(end->reason));
}

static void drop_put(FILE *out, const struct drop *d)
{
	fprintf(out, "%s lost %u tunnel%s (%s after %.1f s of silence%s%s)", d->user, d->tunnels,
	        d->tunnels == 1 ? "" : "s", reason_label(d->reason), (double)d->quiet_us / 1e6,
	        d->moved ? ", came back from another address" : "",
	        d->other_colo ? ", came back over another location" : "");
}

static bool counts(const struct verdict *v, size_t i)
{
	const struct observation *f = &v->observations->rows[i];

	if (v->only != NULL)
		return f->drop == v->only;
	return v->suspects.n == 0 || observation_supports(f, &v->suspects);
}

static void failures_put(FILE *out, const struct verdict *v)
{
	size_t named = 0, more = 0;

	for (size_t i = 0; i < v->observations->n_failing; i++) {
		if (!counts(v, i))
			continue;
		if (named == NAMED_AT_MOST) {
			more++;
			continue;
		}
		fputs(named++ > 0 ? ", " : "", out);
		if (v->observations->rows[i].leg != NULL)
			leg_failure_put(out, &v->observations->rows[i]);
		else
			drop_put(out, v->observations->rows[i].drop);
	}
	if (more > 0)
		fprintf(out, " and %zu more", more);
}

/* What worked meanwhile: the data behind an acquittal. */
static void working_put(FILE *out, const struct verdict *v)
{
	size_t named = 0, more = 0;

	for (size_t i = v->observations->n_failing; i < v->observations->n; i++) {
		const struct observation *f = &v->observations->rows[i];

		if (named == NAMED_AT_MOST) {
			more++;
			continue;
		}
		fputs(named++ > 0 ? ", " : " while ", out);
		if (f->leg != NULL) {
			leg_label_put(out, f->leg);
			fprintf(out, " %.0f ms", (double)f->leg->rtt_us / 1e3);
		} else {
			fprintf(out, "a tunnel of %s", f->live_tunnel->user);
		}
	}
	if (more > 0)
		fprintf(out, " and %zu more", more);
	if (named > 0)
		fputs(" answered", out);
}

static void pressure_put(FILE *out, const struct host_pressure *p)
{
	if (p->known && p->oom_kills > 0)
		fprintf(out, "; the kernel killed %llu for lack of memory", (unsigned long long)p->oom_kills);
	if (p->known && p->memory > STRAINED)
		fprintf(out, "; the host waited for memory %.0f %% of the time", p->memory * 100);
}

static void summary_put(FILE *out, const struct verdict *v)
{
	const struct incident *in = v->incident;

	if (v->kind == VERDICT_HOST) {
		fprintf(out, "t3ops itself (%s) was frozen for %.1f s: what looked dead meanwhile convicts nobody",
		        in->frozen_process, (double)in->frozen_us / 1e6);
		pressure_put(out, &in->host_pressure);
		return;
	}
	if (v->kind == VERDICT_EXONERATED)
		fputs("infra exonerated: ", out);
	if (v->kind == VERDICT_UNKNOWN)
		fputs("everything on the failing paths also worked: ", out);
	if (v->continues != 0)
		fprintf(out, "the fault of incident %llu: ", (unsigned long long)v->continues);
	failures_put(out, v);
	working_put(out, v);
	pressure_put(out, &in->host_pressure);
}

char *summary_make(const struct verdict *v)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	summary_put(out, v);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
