/* SPDX-License-Identifier: MIT */
/* The one summary of a verdict that people read; see evidence.h.  Monitor process; pure. */
#include <stdarg.h>
#include <stdio.h>

#include "obs/log.h"
#include "diagnosis/evidence.h"

#define NAMED_AT_MOST 4   /* the rest is counted */
#define STRAINED      0.2 /* share of the time that everything waited for memory */

struct line {
	char *out;
	size_t size, used;
};

static void say(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->used + 1 >= l->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(l->out + l->used, l->size - l->used, fmt, ap);
	va_end(ap);
	l->used += n > 0 ? (size_t)n : 0;
}

static void say_leg_failure(struct line *l, const struct observation *f)
{
	const struct leg_end *end = f->leg->attempted ? &f->leg->latest : &f->leg->first;
	char label[128];

	leg_label(f->leg, label, sizeof label);
	if (f->resolver)
		say(l, "the resolver of %s failed", label);
	else if (end->step == 0)
		say(l, "%s stopped answering", label);
	else if (end->code != 0)
		say(l, "%s failed at %s (%s %u)", label, step_label(end->step), reason_label(end->reason), end->code);
	else
		say(l, "%s failed at %s (%s)", label, step_label(end->step), reason_label(end->reason));
}

static void say_drop(struct line *l, const struct drop *d)
{
	say(l, "%s lost %u tunnel%s (%s after %.1f s of silence%s%s)", d->user, d->tunnels,
	    d->tunnels == 1 ? "" : "s", reason_label(d->reason), (double)d->quiet_us / 1e6,
	    d->moved ? ", came back from another address" : "",
	    d->other_colo ? ", came back over another location" : "");
}

static bool counts(const struct summary *s, size_t i)
{
	const struct observation *f = &s->observations->rows[i];

	if (s->only != NULL)
		return f->drop == s->only;
	return s->suspects == NULL || s->suspects->n == 0 || observation_supports(f, s->suspects);
}

static void say_failures(struct line *l, const struct summary *s)
{
	size_t named = 0, more = 0;

	for (size_t i = 0; i < s->observations->n_failing; i++) {
		if (!counts(s, i))
			continue;
		if (named == NAMED_AT_MOST) {
			more++;
			continue;
		}
		say(l, "%s", named++ > 0 ? ", " : "");
		if (s->observations->rows[i].leg != NULL)
			say_leg_failure(l, &s->observations->rows[i]);
		else
			say_drop(l, s->observations->rows[i].drop);
	}
	if (more > 0)
		say(l, " and %zu more", more);
}

/* What worked meanwhile: the data behind an acquittal. */
static void say_working(struct line *l, const struct summary *s)
{
	size_t named = 0, more = 0;
	char label[128];

	for (size_t i = s->observations->n_failing; i < s->observations->n; i++) {
		const struct observation *f = &s->observations->rows[i];

		if (named == NAMED_AT_MOST) {
			more++;
			continue;
		}
		say(l, "%s", named++ > 0 ? ", " : " while ");
		if (f->leg != NULL) {
			leg_label(f->leg, label, sizeof label);
			say(l, "%s %.0f ms", label, (double)f->leg->rtt_us / 1e3);
		} else {
			say(l, "a tunnel of %s", f->tunnel_alive->user);
		}
	}
	if (more > 0)
		say(l, " and %zu more", more);
	if (named > 0)
		say(l, " answered");
}

static void host_pressure_say(struct line *l, const struct host_pressure *d)
{
	if (d->known && d->oom_kills > 0)
		say(l, "; the kernel killed %llu for lack of memory", (unsigned long long)d->oom_kills);
	if (d->known && d->memory > STRAINED)
		say(l, "; the host waited for memory %.0f %% of the time", d->memory * 100);
}

void summary_write(const struct summary *s, char *out, size_t size)
{
	struct line l = {.out = out, .size = size};

	out[0] = '\0';
	if (s->kind == SUMMARY_HOST) {
		say(&l, "t3ops itself (%s) was frozen for %.1f s: what looked dead meanwhile convicts nobody",
		    s->incident->frozen_process, (double)s->incident->frozen_us / 1e6);
		host_pressure_say(&l, &s->incident->host_pressure);
		return;
	}
	if (s->kind == SUMMARY_EXONERATED)
		say(&l, "infra exonerated: ");
	if (s->kind == SUMMARY_UNKNOWN)
		say(&l, "everything on the failing paths also worked: ");
	if (s->continues != 0)
		say(&l, "the fault of incident %llu: ", (unsigned long long)s->continues);
	say_failures(&l, s);
	say_working(&l, s);
	host_pressure_say(&l, &s->incident->host_pressure);
}
