/* SPDX-License-Identifier: MIT */
/*
 * Reading the arenas; see metrics_render.h.
 *
 * GATHERING: a run of rows at a time is copied and sorted.  WRITING: the runs are merged, a run's worth of rows at a
 * time.  So no step takes longer the more series there are.
 */
#include "monitor/metrics_render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/utf8.h"
#include "tbl/room.h"
#include "obs/metrics_arena.h"

#define RUN_ROWS   1024
#define RUN_BYTES  (160u << 10)
#define ROW_BYTES  (METRICS_BUCKETS_MAX * sizeof(uint64_t) + METRICS_LABELS_MAX + sizeof(uint64_t)) /* at most */
#define LOOK_ROUND 8192 /* at most so many series that are not shown in a step */

/* What is shown of one series: a private copy. */
struct row {
	const struct family *family; /* of the copies below */
	const char *labels;          /* of the run */
	const uint64_t *counts;      /* of a histogram; of the run */
	uint64_t value;
	double sum;
};

/* Rows in order. */
struct run {
	struct row rows[RUN_ROWS];
	size_t n, at; /* rows before `at` are written */
	size_t used;
	_Alignas(uint64_t) char room[RUN_BYTES]; /* for the labels and counts of its rows */
};

enum rendering_state { RENDERING_GATHERS, RENDERING_WRITES, RENDERING_DONE, RENDERING_FAILED };

struct metrics_rendering {
	enum rendering_state state;
	const struct metrics_memory *all;
	bool (*wants)(const char *family);
	const char *vantage;
	struct family *families[METRICS_ARENAS]; /* copies; those that are no families have no name */
	uint32_t n_families[METRICS_ARENAS];
	unsigned arena; /* that is gathered from */
	uint32_t at;    /* the place there */
	struct run **runs;
	size_t n_runs, size;
	size_t n;       /* of them are a heap while they are merged: the first one has the first row */
	struct row row; /* what will be written next: more of it may come; no family: none */
	uint64_t counts[METRICS_BUCKETS_MAX];
	const struct family *family; /* the last one that was written */
	uint64_t dropped;
	struct buf text;
};

/* ---- checking --------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	if (*name >= '0' && *name <= '9')
		return false;
	return *name != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789")] == '\0';
}

/* Behind the pair name="value" that begins here; NULL: none does. */
static const char *pair_end(const char *at)
{
	size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	if (name == 0 || at[name] != '=' || at[name + 1] != '"')
		return NULL;
	for (at += name + 2; *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if (*at == '\0' || *at == '\n')
			return NULL;
	}
	return at + 1;
}

static bool are_labels(const char *labels)
{
	const char *at = labels;

	while (*at != '\0') {
		at = pair_end(at);
		if (!at || (*at != '\0' && (*at++ != ',' || *at == '\0')))
			return false;
	}
	return utf8_valid(labels);
}

/* Labels are escaped, help is not. */
static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == '\\')
			return false;
	return true;
}

static bool family_copy(const struct family *from, struct family *to)
{
	if (!atomic_load(&from->made))
		return false;
	memcpy(to, from, sizeof *to);
	to->name[sizeof to->name - 1] = to->help[sizeof to->help - 1] = '\0';
	return is_name(to->name) && utf8_valid(to->help) && is_printable(to->help) && to->type >= T3OPS_COUNTER &&
	       to->type <= T3OPS_HISTOGRAM && to->n_buckets <= METRICS_BUCKETS_MAX;
}

static double number(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static bool is_alive(const struct metrics_head *head, uint32_t serial)
{
	uint32_t n = atomic_load(&head->n_alive);

	for (uint32_t i = 0; i < n && i < METRICS_ALIVE_MAX; i++)
		if (atomic_load(&head->alive[i]) == serial)
			return true;
	return serial == 0;
}

static bool is_shown(const struct metrics_head *head, const struct family *f, const struct series *s)
{
	if (atomic_load(&s->hidden))
		return false;
	return f->type != T3OPS_GAUGE || is_alive(head, atomic_load(&s->owner));
}

/* ---- gathering -------------------------------------------------------------------------------- */

static void *rendering_fail(struct metrics_rendering *r)
{
	r->state = RENDERING_FAILED;
	return NULL;
}

/* A copy of those of the arena that is gathered from; those that are none get no name.  False: no memory. */
static bool families_copy(struct metrics_rendering *r)
{
	const struct arena *a = r->all->arenas[r->arena];
	uint32_t n = atomic_load(&a->n_families);

	n = n < METRICS_FAMILIES_MAX ? n : METRICS_FAMILIES_MAX;
	r->families[r->arena] = calloc(n > 0 ? n : 1, sizeof(struct family));
	if (!r->families[r->arena])
		return false;
	r->n_families[r->arena] = n;
	for (uint32_t i = 0; i < n; i++)
		if (!family_copy(&a->families[i], &r->families[r->arena][i]))
			r->families[r->arena][i].name[0] = '\0';
	r->dropped += atomic_load(&a->dropped);
	return true;
}

/* NULL: it has none. */
static const struct family *family_of(const struct metrics_rendering *r, const struct series *s)
{
	const struct family *f = s->family < r->n_families[r->arena] ? &r->families[r->arena][s->family] : NULL;

	return f && f->name[0] != '\0' ? f : NULL;
}

/* Its room is what the next row begins with. */
static const uint64_t *counts_copy(struct run *run, const struct series *s, const struct family *f)
{
	uint64_t *counts = (void *)&run->room[run->used];

	if (f->type != T3OPS_HISTOGRAM)
		return NULL;
	for (uint32_t i = 0; i < f->n_buckets; i++)
		counts[i] = atomic_load_explicit(&s->tail[i], memory_order_relaxed);
	run->used += f->n_buckets * sizeof *counts;
	return counts;
}

/* False: it is no series. */
static bool row_copy(struct run *run, const struct series *s, const struct family *f)
{
	struct row *to = &run->rows[run->n];
	size_t used = run->used, len;
	char *labels;

	to->family = f;
	to->value = atomic_load(&s->value);
	to->sum = number(atomic_load(&s->sum));
	to->counts = counts_copy(run, s, f);
	to->labels = labels = &run->room[run->used];
	len = strnlen(series_labels(s), METRICS_LABELS_MAX - 1);
	memcpy(labels, series_labels(s), len);
	labels[len] = '\0';
	run->used = (run->used + len + 1 + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
	if (are_labels(labels) && (f->type != T3OPS_HISTOGRAM || f->n_buckets == s->n_buckets))
		return true;
	run->used = used;
	return false;
}

static void series_take(struct metrics_rendering *r, struct run *run, const struct series *s)
{
	const struct family *f = family_of(r, s);

	if (!f)
		r->dropped++;
	else if (is_shown(r->all->head, f, s) && (!r->wants || r->wants(f->name)) && row_copy(run, s, f))
		run->n++;
}

/* The next series of the arena; NULL: there is none. */
static const struct series *series_next(struct metrics_rendering *r)
{
	uint32_t next = arena_next(r->all->arenas[r->arena], r->at);

	if (next == 0)
		return NULL;
	r->at = next;
	return arena_series(r->all->arenas[r->arena], next);
}

static int by_name_and_labels(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int order = a->family == b->family ? 0 : strcmp(a->family->name, b->family->name);

	return order != 0 ? order : strcmp(a->labels, b->labels);
}

/* ---- merging ---------------------------------------------------------------------------------- */

static bool run_is_before(const struct run *a, const struct run *b)
{
	return by_name_and_labels(&a->rows[a->at], &b->rows[b->at]) < 0;
}

/* The heap is one again but for the run at `at`, which may have to stand further down. */
static void run_sink(struct metrics_rendering *r, size_t at)
{
	for (;;) {
		size_t first = at;
		struct run *run;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < r->n && run_is_before(r->runs[child], r->runs[first]))
				first = child;
		if (first == at)
			return;
		run = r->runs[at];
		r->runs[at] = r->runs[first];
		r->runs[first] = run;
		at = first;
	}
}

/* The first row of all runs leaves the heap; false: there is none. */
static bool row_take(struct metrics_rendering *r, struct row *out)
{
	struct run *run = r->n > 0 ? r->runs[0] : NULL;

	if (!run)
		return false;
	*out = run->rows[run->at++];
	if (run->at == run->n) {
		r->runs[0] = r->runs[--r->n];
		r->runs[r->n] = run;
	}
	run_sink(r, 0);
	return true;
}

static bool is_same_kind(const struct family *a, const struct family *b)
{
	return a->type == b->type && a->n_buckets == b->n_buckets &&
	       memcmp(a->buckets, b->buckets, a->n_buckets * sizeof a->buckets[0]) == 0;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void text_add(struct metrics_rendering *r, const char *text)
{
	if (!buf_add_text(&r->text, text))
		rendering_fail(r);
}

/* *sign: what stands before the first pair, or before the next one. */
static void pairs_add(struct metrics_rendering *r, const char **sign, const char *begin, const char *text,
                      const char *end)
{
	if (text[0] == '\0')
		return;
	text_add(r, *sign);
	text_add(r, begin);
	text_add(r, text);
	text_add(r, end);
	*sign = ",";
}

/* Name and labels; bound: of a bucket, else "". */
static void sample_begin(struct metrics_rendering *r, const char *suffix, const char *bound)
{
	const char *sign = "{";

	text_add(r, r->row.family->name);
	text_add(r, suffix);
	pairs_add(r, &sign, "vantage=\"", r->vantage, "\"");
	pairs_add(r, &sign, "", r->row.labels, "");
	pairs_add(r, &sign, "le=\"", bound, "\"");
	text_add(r, *sign == ',' ? "} " : " ");
}

static void count_end(struct metrics_rendering *r, uint64_t value)
{
	char text[48];

	snprintf(text, sizeof text, "%llu\n", (unsigned long long)value);
	text_add(r, text);
}

static void value_end(struct metrics_rendering *r, int digits, double value)
{
	char text[48];

	snprintf(text, sizeof text, "%.*g\n", digits, value);
	text_add(r, text);
}

static void bucket_write(struct metrics_rendering *r, const char *bound, uint64_t value)
{
	sample_begin(r, "_bucket", bound);
	count_end(r, value);
}

static void histogram_write(struct metrics_rendering *r)
{
	const struct family *f = r->row.family;
	char bound[32];
	uint64_t sum = 0;

	for (uint32_t b = 0; b < f->n_buckets; b++) {
		sum += r->counts[b];
		snprintf(bound, sizeof bound, "%.12g", f->buckets[b]);
		bucket_write(r, bound, sum);
	}
	bucket_write(r, "+Inf", r->row.value);
	sample_begin(r, "_sum", "");
	value_end(r, 12, r->row.sum);
	sample_begin(r, "_count", "");
	count_end(r, r->row.value);
}

static void family_write(struct metrics_rendering *r, const struct family *f)
{
	static const char *const types[] = {"untyped", "counter", "gauge", "histogram"};

	if (!buf_printf(&r->text, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, types[f->type]))
		rendering_fail(r);
	r->family = f;
}

/* What is known of the row by now is all. */
static void row_write(struct metrics_rendering *r)
{
	const struct row *row = &r->row;

	if (row->family != r->family)
		family_write(r, row->family);
	if (row->family->type == T3OPS_HISTOGRAM) {
		histogram_write(r);
		return;
	}
	sample_begin(r, "", "");
	if (row->family->type == T3OPS_GAUGE)
		value_end(r, 15, number(row->value));
	else
		count_end(r, row->value);
}

static void row_begin(struct metrics_rendering *r, const struct row *row)
{
	r->row = *row;
	if (row->counts)
		memcpy(r->counts, row->counts, row->family->n_buckets * sizeof r->counts[0]);
}

static void row_merge(struct metrics_rendering *r, const struct row *other)
{
	if (r->row.family->type == T3OPS_GAUGE)
		return;
	r->row.value += other->value;
	r->row.sum += other->sum;
	for (uint32_t i = 0; other->counts && i < other->family->n_buckets; i++)
		r->counts[i] += other->counts[i];
}

/* One family of a name, one row of a family and its labels. */
static void row_add(struct metrics_rendering *r, struct row *row)
{
	const struct family *now = r->row.family;

	if (now && strcmp(now->name, row->family->name) == 0) {
		if (!is_same_kind(now, row->family)) {
			r->dropped++;
			return;
		}
		row->family = now;
		if (strcmp(r->row.labels, row->labels) == 0) {
			row_merge(r, row);
			return;
		}
	}
	if (now)
		row_write(r);
	row_begin(r, row);
}

static void writing_end(struct metrics_rendering *r)
{
	static const struct family dropped = {.name = "t3ops_metrics_dropped_total",
	                                      .help = "Look-ups of a metric series that found no room.",
	                                      .type = T3OPS_COUNTER};

	if (r->row.family)
		row_write(r);
	if (r->wants == NULL) {
		r->row = (struct row){.family = &dropped, .labels = "", .value = r->dropped};
		row_write(r);
	}
	if (r->state == RENDERING_WRITES)
		r->state = RENDERING_DONE;
}

/* ---- steps ------------------------------------------------------------------------------------ */

/* Among all; NULL: no memory. */
static struct run *run_new(struct metrics_rendering *r)
{
	struct run **runs = room_for_one(r->runs, r->n_runs, &r->size, sizeof *runs);

	if (!runs)
		return rendering_fail(r);
	r->runs = runs;
	runs[r->n_runs] = malloc(sizeof **runs);
	if (!runs[r->n_runs])
		return rendering_fail(r);
	runs[r->n_runs]->n = runs[r->n_runs]->at = runs[r->n_runs]->used = 0;
	return runs[r->n_runs++];
}

static bool run_has_room(const struct run *run)
{
	return run->n < RUN_ROWS && run->used + ROW_BYTES <= sizeof run->room;
}

/* The first row of all is that of the first run. */
static void merging_begin(struct metrics_rendering *r)
{
	r->state = RENDERING_WRITES;
	r->n = r->n_runs;
	for (size_t i = r->n / 2; i-- > 0;)
		run_sink(r, i);
}

/* False: that was the last one, or there is no memory. */
static bool arena_begin(struct metrics_rendering *r)
{
	if (r->arena + 1 == METRICS_ARENAS)
		return false;
	r->arena++;
	r->at = 0;
	if (!families_copy(r))
		rendering_fail(r);
	return r->state == RENDERING_GATHERS;
}

static void run_gather(struct metrics_rendering *r, struct run *run)
{
	const struct series *s = NULL;
	unsigned looked = 0;
	bool more = true;

	while (more && run_has_room(run) && looked++ < LOOK_ROUND) {
		s = series_next(r);
		if (s)
			series_take(r, run, s);
		else
			more = arena_begin(r);
	}
	qsort(run->rows, run->n, sizeof run->rows[0], by_name_and_labels);
	if (run->n == 0)
		free(r->runs[--r->n_runs]);
	if (!more && r->state == RENDERING_GATHERS)
		merging_begin(r);
}

static void rows_write(struct metrics_rendering *r)
{
	struct row row;

	for (unsigned i = 0; i < RUN_ROWS && r->state == RENDERING_WRITES; i++) {
		if (row_take(r, &row))
			row_add(r, &row);
		else
			writing_end(r);
	}
}

struct metrics_rendering *metrics_render_begin(const struct metrics *m, bool (*wants)(const char *family),
                                               const char *vantage)
{
	struct metrics_rendering *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->all = metrics_memory(m);
	r->wants = wants;
	r->vantage = vantage;
	if (!r->all || !families_copy(r))
		rendering_fail(r);
	return r;
}

bool metrics_render_step(struct metrics_rendering *r)
{
	struct run *run = r->state == RENDERING_GATHERS ? run_new(r) : NULL;

	if (run)
		run_gather(r, run);
	else if (r->state == RENDERING_WRITES)
		rows_write(r);
	return r->state == RENDERING_DONE || r->state == RENDERING_FAILED;
}

const char *metrics_render_text(const struct metrics_rendering *r, size_t *len)
{
	*len = r->state == RENDERING_DONE ? buf_len(&r->text) : 0;
	return r->state == RENDERING_DONE ? buf_at(&r->text) : NULL;
}

bool metrics_render_take(struct metrics_rendering *r, struct buf *text)
{
	if (r->state != RENDERING_DONE)
		return false;
	*text = r->text;
	r->text = (struct buf){0};
	return true;
}

void metrics_render_end(struct metrics_rendering *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < METRICS_ARENAS; i++)
		free(r->families[i]);
	for (size_t i = 0; i < r->n_runs; i++)
		free(r->runs[i]);
	free(r->runs);
	buf_fini(&r->text);
	free(r);
}
