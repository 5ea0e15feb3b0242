/* SPDX-License-Identifier: MIT */
/* The flight recorder; see recorder.h. */
#include "monitor/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/checkpoint.h"
#include "diagnosis/checkpoint_host.h"
#include "diagnosis/incident_timing.h"
#include "monitor/recorder_story.h"
#include "monitor/recording_event.h"
#include "monitor/recording_text.h"
#include "obs/log.h"
#include "sys/buf.h"
#include "sys/clock.h"

#define PIECE_BYTES (256u << 10) /* that the journal gets at once */
#define SLOTS       16           /* of recordings, those included that only wait to be written */

struct recording {
	struct recording_head head;
	struct buf text; /* that the journal has not got yet */
	size_t bytes;    /* all of it */
	unsigned pieces; /* that the journal has */
	bool is_kept;    /* there was a drop, or a verdict */
	bool is_over;    /* nothing is added */
};

struct recorder {
	const struct process_config *config;
	struct recorder_story story;
	struct recording active[SLOTS];
	size_t n;
	uint64_t last_incident; /* that a recording was begun of */
	bool in_tick;
	FILE *line; /* one line after the other is made in it */
	char *line_text;
	size_t line_len;
};

struct recorder *recorder_new(const struct process_config *config)
{
	struct recorder *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->config = config;
	recorder_story_init(&r->story);
	r->line = open_memstream(&r->line_text, &r->line_len);
	if (r->line != NULL)
		return r;
	free(r);
	return NULL;
}

static void recording_remove(struct recorder *r, size_t at)
{
	buf_fini(&r->active[at].text);
	memmove(&r->active[at], &r->active[at + 1], (r->n - at - 1) * sizeof r->active[0]);
	r->n--;
}

void recorder_free(struct recorder *r)
{
	if (r == NULL)
		return;
	while (r->n > 0)
		recording_remove(r, r->n - 1);
	recorder_story_fini(&r->story);
	fclose(r->line);
	free(r->line_text);
	free(r);
}

/* ---- recordings ---------------------------------------------------------------------------------------- */

/* From here on it only waits to be written. */
static void recording_end(struct recording *one, const char *why_incomplete)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = one->is_over ? NULL : open_memstream(&text, &len);

	one->is_over = true;
	if (out == NULL)
		return;
	if (why_incomplete != NULL)
		recording_incomplete_write(why_incomplete, out);
	recording_end_write("over", clock_wall_us(), out);
	if (fclose(out) == 0 && buf_add(&one->text, text, len))
		one->bytes += len;
	free(text);
}

/* Whole lines, which have a beginning of their own. */
static void recording_add(struct recording *one, const char *begin, const char *bytes, size_t n)
{
	size_t len = strlen(begin);

	if (one->is_over)
		return;
	if (one->bytes + len + n > RECORDER_RECORDING_BYTES) {
		recording_end(one, "it took more than 16 MiB: what happened from then on is not here");
		return;
	}
	if (!buf_reserve(&one->text, len + n)) {
		recording_end(one, "there was no memory for more");
		return;
	}
	buf_add(&one->text, begin, len);
	buf_add(&one->text, bytes, n);
	one->bytes += len + n;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

/* The line that was made, with its offset, in each recording. */
static void active_add(struct recorder *r, const char *word, uint64_t at_us)
{
	for (size_t i = 0; i < r->n; i++) {
		struct recording *one = &r->active[i];
		uint64_t zero_us = one->head.zero_us, apart = at_us >= zero_us ? at_us - zero_us : zero_us - at_us;
		char begin[48];

		snprintf(begin, sizeof begin, "%s %c%" PRIu64 ".%06u ", word, at_us >= zero_us ? '+' : '-',
		         apart / 1000000, (unsigned)(apart % 1000000));
		recording_add(one, begin, r->line_text, r->line_len);
	}
}

/* Begins a line; NULL: nobody records. */
static FILE *line_begin(struct recorder *r, const char *what)
{
	if (r == NULL)
		return NULL;
	rewind(r->line);
	fputs_unlocked(what, r->line);
	return r->line;
}

/* Of a fact; of what time alone does, the story does not tell. */
static void line_end(struct recorder *r, uint64_t at_us, bool is_story)
{
	putc_unlocked('\n', r->line);
	if (fflush(r->line) != 0)
		return;
	if (is_story)
		recorder_story_add(&r->story, at_us, r->line_text, r->line_len);
	active_add(r, "fact", at_us);
}

void recorder_event(struct recorder *r, const struct event *e, uint64_t now_us)
{
	FILE *out = recording_event_is_fact(e) ? line_begin(r, "event") : NULL;

	if (out == NULL)
		return;
	recording_event_write(e, out);
	line_end(r, now_us, true);
}

void recorder_sample(struct recorder *r, const struct pressure *sample, uint64_t now_us)
{
	FILE *out = line_begin(r, r != NULL && r->in_tick ? "tick_sample" : "sample");

	if (out == NULL)
		return;
	fields_write(fields_of_pressure, sample, out);
	line_end(r, now_us, true);
}

void recorder_host(struct recorder *r, const struct host_event *e, uint64_t now_us)
{
	FILE *out = line_begin(r, r != NULL && r->in_tick ? "tick_host" : "host");

	if (out == NULL)
		return;
	fields_write(fields_of_host_event, e, out);
	line_end(r, now_us, true);
}

static void line_of_number(struct recorder *r, const char *what, const char *key, uint64_t number, uint64_t now_us,
                           bool is_story)
{
	FILE *out = line_begin(r, what);

	if (out == NULL)
		return;
	fprintf(out, " %s=%" PRIu64, key, number);
	line_end(r, now_us, is_story);
}

void recorder_prober_gone(struct recorder *r, uint64_t wall_us, uint64_t now_us)
{
	line_of_number(r, "prober_gone", "wall_us", wall_us, now_us, true);
}

void recorder_woke(struct recorder *r, uint64_t late_us, uint64_t now_us)
{
	line_of_number(r, "woke", "late_us", late_us, now_us, true);
}

void recorder_tick(struct recorder *r, uint64_t wall_us, uint64_t now_us)
{
	if (r == NULL)
		return;
	if (r->n > 0)
		line_of_number(r, "tick", "wall_us", wall_us, now_us, false);
	r->in_tick = true;
}

void recorder_finish(struct recorder *r, uint64_t now_us)
{
	if (line_begin(r, "finish") == NULL)
		return;
	line_end(r, now_us, false);
	r->in_tick = true;
}

void recorder_tick_over(struct recorder *r)
{
	if (r != NULL)
		r->in_tick = false;
}

void recorder_tell(struct recorder *r, const char *what, const char *pairs, uint64_t now_us)
{
	FILE *out = line_begin(r, what);

	if (out == NULL)
		return;
	fputs_unlocked(pairs, out);
	putc_unlocked('\n', out);
	if (fflush(out) != 0)
		return;
	recorder_story_add(&r->story, now_us, r->line_text, r->line_len);
	active_add(r, "story", now_us);
}

/* ---- begin and end ------------------------------------------------------------------------------------- */

/* Why there is no replay of it; NULL: there is. */
static const char *begin_write(const struct recorder *r, const struct recording_head *h, const struct diagnosis *d,
                               FILE *out)
{
	recording_head_write(h, out);
	if (!recorder_story_write(&r->story, h->zero_us, out))
		return "there was no memory";
	if (recording_setup_write(h, r->config, out) < 0)
		return "there was no memory";
	if (checkpoint_lines(d) > RECORDER_STATE_LINES)
		return "the state at its beginning has more than 20000 rows, which would keep the monitor for too "
		       "long";
	checkpoint_write(d, "state ", out);
	return NULL;
}

static void followed_limit(struct recorder *r)
{
	size_t followed = 0;

	for (size_t i = r->n; i-- > 0;) {
		followed += !r->active[i].is_over;
		if (followed > RECORDER_RECORDINGS_MAX)
			recording_end(&r->active[i], "too many incidents were recorded at the same time");
	}
}

static void recording_begin(struct recorder *r, const struct diagnosis *d, uint64_t serial, uint64_t now_us)
{
	struct recording one = {.head = {.incident = diagnosis_incident(d)->id,
	                                 .zero_us = now_us,
	                                 .zero_wall_us = clock_wall_us(),
	                                 .serial = serial}};
	const char *why = "there was no memory";
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL)
		why = begin_write(r, &one.head, d, out);
	if (out == NULL || fclose(out) != 0)
		log_write(LOG_L_ERROR, "recording_failed", kv_incident((int64_t)one.head.incident), kv_errno(ENOMEM));
	else
		recording_add(&one, "", text, len);
	free(text);
	if (why != NULL)
		recording_end(&one, why);
	r->active[r->n++] = one;
	followed_limit(r);
}

/* Whether something is to be explained. */
static bool is_worth_it(const struct recording *one, const struct diagnosis *d)
{
	const struct incident *now = diagnosis_incident(d);
	const struct verdict_table *t = diagnosis_verdicts(d);

	if (now->id == one->head.incident && now->n_drops > 0)
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i]->incident == one->head.incident || t->rows[i]->open_in == one->head.incident)
			return true;
	return false;
}

static bool is_over(const struct recording *one, const struct diagnosis *d, uint64_t now_us)
{
	const struct verdict_table *t = diagnosis_verdicts(d);

	if (diagnosis_incident(d)->id == one->head.incident)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i]->incident == one->head.incident &&
		    (t->rows[i]->state == VERDICT_STANDING || now_us < t->rows[i]->ended_us + AGAIN_US))
			return false;
	return true;
}

bool recorder_follow(struct recorder *r, const struct diagnosis *d, uint64_t serial, uint64_t now_us)
{
	uint64_t incident = diagnosis_incident(d)->id;

	for (size_t i = 0; r != NULL && i < r->n; i++) {
		struct recording *one = &r->active[i];

		one->is_kept = one->is_kept || is_worth_it(one, d);
		if (!one->is_over && is_over(one, d, now_us))
			recording_end(one, NULL);
	}
	if (r == NULL || incident <= r->last_incident)
		return false;
	r->last_incident = incident;
	if (r->n < SLOTS)
		recording_begin(r, d, serial, now_us);
	else
		log_write(LOG_L_ERROR, "recording_failed", kv_incident((int64_t)incident),
		          kv_error("too many wait to be written"));
	return true;
}

bool recorder_follows(const struct recorder *r, uint64_t incident)
{
	for (size_t i = 0; r != NULL && i < r->n; i++)
		if (r->active[i].head.incident == incident && !r->active[i].is_over)
			return true;
	return false;
}

/* ---- to the journal ------------------------------------------------------------------------------------ */

static void piece_write(struct recording *one, struct journal *journal)
{
	size_t n = buf_len(&one->text) < PIECE_BYTES ? buf_len(&one->text) : PIECE_BYTES;

	if (n == 0)
		return;
	journal_recording(journal, one->head.incident, one->pieces++, buf_at(&one->text), n);
	buf_drop(&one->text, n);
}

/* One that is over and was written, or is not worth it, is forgotten. */
static void done_forget(struct recorder *r)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->active[i].is_over && (!r->active[i].is_kept || buf_len(&r->active[i].text) == 0))
			recording_remove(r, i);
}

void recorder_write(struct recorder *r, struct journal *journal)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->active[i].is_kept)
			piece_write(&r->active[i], journal);
	done_forget(r);
}

void recorder_write_all(struct recorder *r, struct journal *journal)
{
	for (size_t i = 0; i < r->n; i++)
		while (r->active[i].is_kept && buf_len(&r->active[i].text) > 0)
			piece_write(&r->active[i], journal);
	done_forget(r);
}

void recorder_end(struct recorder *r, struct journal *journal)
{
	for (size_t i = 0; i < r->n; i++)
		recording_end(&r->active[i],
		              "the monitor was replaced or stopped: what happened from then on is not here");
	recorder_write_all(r, journal);
}
