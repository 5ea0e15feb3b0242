/* SPDX-License-Identifier: MIT */
/* What happened to the host, and what it explains; see host_events.h. */
#include "diagnosis/host_events.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/incident_timing.h"
#include "tbl/room.h"

void host_events_fini(struct host_events *h)
{
	free(h->rows);
	*h = (struct host_events){.n = 0};
}

static bool is_too_short(const struct host_event *e)
{
	switch (e->kind) {
	case HOST_CLOCK_SET:
		return e->length_us < CLOCK_JUMP_MIN_US;
	case HOST_FROZEN:
	case HOST_SUSPENDED:
		return e->length_us < FREEZE_MIN_US;
	default:
		return false;
	}
}

static void old_forget(struct host_events *h, uint64_t keep_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->rows[i].until_us >= keep_us)
			h->rows[kept++] = h->rows[i];
	h->n = kept;
}

/* What is known of the same late servers now. */
static bool is_known_better(struct host_events *h, const struct host_event *e)
{
	for (size_t i = 0; e->kind == HOST_OVERLOADED && i < h->n; i++) {
		struct host_event *row = &h->rows[i];

		if (row->kind != e->kind || e->from_us > row->until_us || row->from_us > e->until_us)
			continue;
		row->from_us = row->from_us < e->from_us ? row->from_us : e->from_us;
		row->until_us = e->until_us;
		row->length_us = e->length_us > row->length_us ? e->length_us : row->length_us;
		row->servers = e->servers > row->servers ? e->servers : row->servers;
		return true;
	}
	return false;
}

/* The same strain, a sample later. */
static bool goes_on(struct host_events *h, const struct host_event *e)
{
	for (size_t i = 0; e->kind == HOST_OFFLINE && i < h->n; i++) {
		struct host_event *row = &h->rows[i];

		if (row->kind != e->kind || row->until_us != HOST_GOES_ON)
			continue;
		row->until_us = e->until_us;
		row->length_us = e->length_us;
		return true;
	}
	for (size_t i = 0; (e->kind == HOST_STRAINED || e->kind == HOST_STARVED) && i < h->n; i++) {
		struct host_event *row = &h->rows[i];

		if (row->kind != e->kind || e->from_us > row->until_us + STRAIN_GAP_US)
			continue;
		row->until_us = e->until_us;
		row->length_us += e->length_us;
		return true;
	}
	return false;
}

int host_events_add(struct host_events *h, const struct host_event *e, uint64_t keep_us)
{
	struct host_event *rows;

	old_forget(h, keep_us);
	if (is_too_short(e) || goes_on(h, e) || is_known_better(h, e))
		return 0;
	rows = room_for_one(h->rows, h->n, &h->room, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	h->rows = rows;
	h->rows[h->n++] = *e;
	return 1;
}

/* ---- what one explains ---------------------------------------------------------------------------------- */

/* How much of the time between began and seen it took. */
static uint64_t overlap_us(const struct host_event *e, const struct host_question *q)
{
	uint64_t from = e->from_us > q->began_us ? e->from_us : q->began_us;
	uint64_t until = e->until_us < q->seen_us ? e->until_us : q->seen_us;

	return until > from ? until - from : 0;
}

static bool is_near(const struct host_event *e, const struct host_question *q, uint64_t reach_us)
{
	return e->from_us <= q->seen_us && q->began_us <= e->until_us + reach_us;
}

static bool takes_a_quarter(const struct host_event *e, const struct host_question *q)
{
	return q->seen_us > q->began_us && 4 * overlap_us(e, q) >= q->seen_us - q->began_us;
}

/* The waiting of an event, spread over the time it lasted. */
static bool took_half(const struct host_event *e, const struct host_question *q)
{
	double lasted = (double)(e->until_us - e->from_us), part = lasted > 0 ? (double)e->length_us / lasted : 0;

	return q->seen_us > q->began_us && 2 * part * (double)overlap_us(e, q) >= (double)(q->seen_us - q->began_us);
}

static bool frozen_explains(const struct host_event *e, const struct host_question *q)
{
	if (!(q->prober && e->prober) && !(q->proxy && e->proxy))
		return false;
	if (q->seen_us == q->began_us)
		return e->length_us >= FREEZE_CUTS_US && is_near(e, q, FREEZE_REACH_US);
	return takes_a_quarter(e, q);
}

/* The sample that counts a kill comes up to a second after it. */
static bool kill_explains(const struct host_event *e, const struct host_question *q)
{
	return q->ended && e->from_us <= q->seen_us + FREEZE_REACH_US && q->seen_us <= e->until_us + FREEZE_REACH_US;
}

bool host_event_heard(const struct host_event *e, uint64_t heard_us)
{
	return heard_us > e->from_us + OFFLINE_SLACK_US && heard_us < e->until_us;
}

bool host_event_is_over(const struct host_event *e, uint64_t at_us, uint64_t for_us)
{
	return e->until_us != HOST_GOES_ON && at_us > e->until_us + for_us;
}

/* What was heard of when the network was back can have failed for lack of it before only. */
static bool offline_explains(const struct host_event *e, const struct host_question *q)
{
	bool heard_after = e->until_us != HOST_GOES_ON && q->heard_us >= e->until_us;

	return q->outward && q->tried_us + OFFLINE_BEFORE_US >= e->from_us && !host_event_heard(e, q->heard_us) &&
	       !host_event_is_over(e, q->began_us, heard_after ? 0 : OFFLINE_AFTER_US);
}

static bool explains(const struct host_event *e, const struct host_question *q)
{
	switch (e->kind) {
	case HOST_FROZEN:
		return frozen_explains(e, q);
	case HOST_SUSPENDED:
		return is_near(e, q, RESUME_REACH_US);
	case HOST_CLOCK_SET: /* connections and their limits know nothing of it */
		return false;
	case HOST_OOM_KILL:
		return kill_explains(e, q);
	case HOST_STRAINED:
		return takes_a_quarter(e, q);
	case HOST_STARVED:
		return q->unanswered && !q->others_prompt && took_half(e, q);
	case HOST_OVERLOADED:
		return q->unanswered && q->began_us + CROWD_SPAN_US >= e->from_us && q->began_us <= e->until_us;
	case HOST_PROXY_GONE:
		return q->proxy && q->began_us + PROXY_BEFORE_US >= e->from_us &&
		       q->began_us <= e->until_us + PROXY_AFTER_US;
	case HOST_OFFLINE:
		return offline_explains(e, q);
	}
	return false;
}

/* Which comes first: what nothing can pass, and last that everything was late at once. */
static int rank(const struct host_event *e)
{
	return e->kind == HOST_OFFLINE ? 2 : e->kind != HOST_OVERLOADED;
}

static bool explains_better(const struct host_event *a, const struct host_event *b)
{
	if (b == NULL || rank(a) != rank(b))
		return b == NULL || rank(a) > rank(b);
	return a->length_us > b->length_us;
}

const struct host_event *host_events_find(const struct host_events *h, const struct host_question *q)
{
	const struct host_event *best = NULL;

	for (size_t i = 0; i < h->n; i++)
		if (explains(&h->rows[i], q) && explains_better(&h->rows[i], best))
			best = &h->rows[i];
	return best;
}

/* ---- what samples say ------------------------------------------------------------------------------------ */

bool host_event_of_kills(const struct pressure *before, const struct pressure *now, struct host_event *out)
{
	if (!before->kills_known || !now->kills_known || now->oom_kills <= before->oom_kills)
		return false;
	*out = (struct host_event){.kind = HOST_OOM_KILL,
	                           .from_us = before->mono_us,
	                           .until_us = now->mono_us,
	                           .kills = now->oom_kills - before->oom_kills};
	return true;
}

bool host_event_of_strain(const struct pressure *before, const struct pressure *now, struct host_event *out)
{
	uint64_t span, waited;

	if (!before->known || !now->known || now->memory_us <= before->memory_us ||
	    now->mono_us - before->mono_us < STRAIN_SPAN_US)
		return false;
	span = now->mono_us - before->mono_us;
	waited = now->memory_us - before->memory_us;
	*out = (struct host_event){
	    .kind = HOST_STRAINED, .from_us = before->mono_us, .until_us = now->mono_us, .length_us = waited};
	return (double)waited >= STRAINED_PART * (double)span;
}

/* A loop is late for other reasons as well, a slow disk or SIGSTOP: the kernel must say that it waited for a CPU. */
bool host_event_of_starvation(const struct pressure *before, const struct pressure *now, struct host_event *out)
{
	uint64_t span = now->mono_us - before->mono_us, late = now->late_us - before->late_us,
	         waited = now->waited_us - before->waited_us;

	if (before->mono_us == 0 || span < STRAIN_SPAN_US)
		return false;
	if (late > waited * STARVED_WAIT || late < waited)
		late = waited;
	*out = (struct host_event){
	    .kind = HOST_STARVED, .from_us = before->mono_us, .until_us = now->mono_us, .length_us = late};
	return (double)late >= STARVED_PART * (double)span;
}

const char *host_event_name(enum host_event_kind kind)
{
	static const char *const names[] = {"frozen",  "suspended",  "clock_set",  "oom_kill", "strained",
	                                    "starved", "overloaded", "proxy_gone", "offline"};

	return names[kind];
}
