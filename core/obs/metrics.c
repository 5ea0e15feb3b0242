/* SPDX-License-Identifier: MIT */
/*
 * The metrics arena; see metrics.h.
 *
 * Families and series are appended, never moved or removed.  Making one takes a robust mutex, so
 * that a process killed in the middle leaves the arena usable; observation one and every update go
 * without it.
 */
#include "obs/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/hash.h"
#include "sys/shm.h"

#define ARENA_MAGIC  0x6d337070 /* changes with the layout */
#define FAMILIES_MAX 256
#define SERIES_MAX   8192
#define INDEX_SIZE   (2 * SERIES_MAX)
#define BUCKETS_MAX  16
#define LABELS_MAX   232
#define ALIVE_MAX    64

struct family {
	char name[80], help[200];
	uint32_t type, n_buckets;
	double buckets[BUCKETS_MAX];
};

struct series {
	uint32_t number; /* in the arena; NOBODY outside */
	uint32_t family;
	_Atomic uint32_t owner; /* serial of the process that found it last */
	atomic_bool hidden;
	char labels[LABELS_MAX]; /* rendered: a="b",c="d" */
	_Atomic uint64_t value;  /* counter: n; gauge: bits of a double; histogram: count */
	_Atomic uint64_t sum;    /* histogram: bits of a double */
	_Atomic uint64_t counts[BUCKETS_MAX];
};
#define NOBODY UINT32_MAX

struct arena {
	uint32_t magic, size;
	pthread_mutex_t making;
	_Atomic uint32_t n_families, n_series;
	_Atomic uint64_t dropped;
	_Atomic uint32_t n_alive;
	_Atomic uint32_t alive[ALIVE_MAX];
	_Atomic uint32_t index[INDEX_SIZE]; /* number of a series + 1 */
	struct family families[FAMILIES_MAX];
	struct series series[SERIES_MAX];
};

struct metrics {
	struct arena *arena;
	uint32_t owner;
	struct series nobody; /* what a full arena hands out */
};

/* Takes the arena; NULL if that is. */
static struct metrics *view_new(struct arena *arena)
{
	struct metrics *m = arena ? calloc(1, sizeof *m) : NULL;

	if (!m) {
		shm_free(arena, sizeof *arena);
		return NULL;
	}
	m->arena = arena;
	m->nobody.number = NOBODY;
	return m;
}

static int mutex_make(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t a;
	int r;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	r = pthread_mutex_init(mutex, &a);
	pthread_mutexattr_destroy(&a);
	return r;
}

struct metrics *metrics_new(int *fd)
{
	struct metrics *m = view_new(shm_new("t3ops-metrics", sizeof(struct arena), fd));

	if (m) {
		m->arena->magic = ARENA_MAGIC;
		m->arena->size = sizeof(struct arena);
		mutex_make(&m->arena->making);
		return m;
	}
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return NULL;
}

struct metrics *metrics_attach(int fd)
{
	struct metrics *m = view_new(shm_attach(fd, sizeof(struct arena)));

	if (m && (m->arena->magic != ARENA_MAGIC || m->arena->size != sizeof(struct arena))) {
		metrics_free(m);
		errno = EPROTO;
		return NULL;
	}
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	shm_free(m->arena, sizeof *m->arena);
	free(m);
}

void metrics_set_owner(struct metrics *m, uint32_t serial)
{
	m->owner = serial;
}

void metrics_alive(struct metrics *m, const uint32_t *serials, size_t n)
{
	if (n > ALIVE_MAX)
		n = ALIVE_MAX;
	for (size_t i = 0; i < n; i++)
		atomic_store(&m->arena->alive[i], serials[i]);
	atomic_store(&m->arena->n_alive, (uint32_t)n);
}

static bool is_alive(struct arena *a, uint32_t serial)
{
	uint32_t n = atomic_load(&a->n_alive);

	for (uint32_t i = 0; i < n; i++)
		if (atomic_load(&a->alive[i]) == serial)
			return true;
	return serial == 0;
}

/* ---- observation and making ------------------------------------------------------- */

/* Adds name="value" with the escapes of the text format; false: no room. */
static bool label_add(char *out, size_t *used, const char *name, const char *value)
{
	int n = snprintf(out + *used, LABELS_MAX - *used, "%s%s=\"", *used > 0 ? "," : "", name);

	if (n < 0 || *used + (size_t)n >= LABELS_MAX)
		return false;
	*used += (size_t)n;
	for (; *value != '\0'; value++) {
		if (*used + 4 >= LABELS_MAX)
			return false;
		if (*value == '"' || *value == '\\' || *value == '\n')
			out[(*used)++] = '\\';
		out[(*used)++] = *value == '\n' ? 'n' : *value;
	}
	if (*used + 2 > LABELS_MAX)
		return false;
	out[(*used)++] = '"';
	out[*used] = '\0';
	return true;
}

static bool labels_render(char out[LABELS_MAX], const struct t3ops_metric *f, const char *lead_label,
                          const char *lead_value, const char *const *values)
{
	size_t used = 0;

	out[0] = '\0';
	if (lead_label && !label_add(out, &used, lead_label, lead_value))
		return false;
	for (size_t i = 0; i < sizeof f->labels / sizeof f->labels[0] && f->labels[i]; i++)
		if (!label_add(out, &used, f->labels[i], values[i]))
			return false;
	return true;
}

static uint32_t hash(const char *name, const char *labels)
{
	return (uint32_t)hash_text(hash_text(hash_text(HASH_START, name), "{"), labels);
}

/* The series, or NULL with *slot: the index entry where it belongs (INDEX_SIZE: none is free). */
static struct series *series_find(struct arena *a, const char *name, const char *labels, uint32_t *slot)
{
	uint32_t at = hash(name, labels) % INDEX_SIZE;

	for (uint32_t tries = 0; tries < INDEX_SIZE; tries++, at = (at + 1) % INDEX_SIZE) {
		uint32_t number = atomic_load(&a->index[at]);
		struct series *s;

		*slot = at;
		if (number == 0)
			return NULL;
		s = &a->series[number - 1];
		if (strcmp(s->labels, labels) == 0 && strcmp(a->families[s->family].name, name) == 0)
			return s;
	}
	*slot = INDEX_SIZE;
	return NULL;
}

/* Its number; FAMILIES_MAX: no room, or the name stands for another type already. */
static uint32_t family_find_or_make(struct arena *a, const struct t3ops_metric *f)
{
	uint32_t n = atomic_load(&a->n_families), i = 0;
	struct family *new;

	while (i < n && strcmp(a->families[i].name, f->name) != 0)
		i++;
	if (i < n)
		return a->families[i].type == f->type ? i : FAMILIES_MAX;
	if (n == FAMILIES_MAX || strlen(f->name) >= sizeof new->name)
		return FAMILIES_MAX;
	new = &a->families[n];
	snprintf(new->name, sizeof new->name, "%s", f->name);
	snprintf(new->help, sizeof new->help, "%.*s", (int)sizeof new->help - 1, f->help ? f->help : "");
	new->type = f->type;
	new->n_buckets = f->n_buckets < BUCKETS_MAX ? f->n_buckets : BUCKETS_MAX;
	for (uint32_t b = 0; b < new->n_buckets; b++)
		new->buckets[b] = f->buckets[b];
	atomic_store(&a->n_families, n + 1);
	return n;
}

static struct series *series_make(struct arena *a, const struct t3ops_metric *f, const char *labels)
{
	uint32_t slot, family, n;
	struct series *s = series_find(a, f->name, labels, &slot);

	if (s)
		return s; /* another process was first */
	family = family_find_or_make(a, f);
	n = atomic_load(&a->n_series);
	if (family == FAMILIES_MAX || n == SERIES_MAX || slot == INDEX_SIZE)
		return NULL;
	s = &a->series[n];
	s->number = n;
	s->family = family;
	snprintf(s->labels, sizeof s->labels, "%s", labels);
	atomic_store(&a->n_series, n + 1);
	atomic_store(&a->index[slot], n + 1);
	return s;
}

static struct series *series_make_locked(struct arena *a, const struct t3ops_metric *f, const char *labels)
{
	int r = pthread_mutex_lock(&a->making);
	struct series *s;

	if (r == EOWNERDEAD)
		pthread_mutex_consistent(&a->making); /* at worst one slot is lost */
	else if (r != 0)
		return NULL;
	s = series_make(a, f, labels);
	pthread_mutex_unlock(&a->making);
	return s;
}

struct series *metrics_series(struct metrics *m, const struct t3ops_metric *family, const char *lead_label,
                              const char *lead_value, const char *const *values)
{
	char labels[LABELS_MAX];
	struct series *s = NULL;
	uint32_t slot;

	if (labels_render(labels, family, lead_label, lead_value, values)) {
		s = series_find(m->arena, family->name, labels, &slot);
		if (!s)
			s = series_make_locked(m->arena, family, labels);
	}
	if (!s) {
		atomic_fetch_add(&m->arena->dropped, 1);
		return &m->nobody;
	}
	atomic_store(&s->owner, m->owner);
	atomic_store(&s->hidden, false);
	return s;
}

/* ---- updating -------------------------------------------------------------------- */

static uint64_t bits(double value)
{
	uint64_t u;

	memcpy(&u, &value, sizeof u);
	return u;
}

static double number(uint64_t u)
{
	double value;

	memcpy(&value, &u, sizeof value);
	return value;
}

void series_add(struct series *s, uint64_t n)
{
	atomic_fetch_add_explicit(&s->value, n, memory_order_relaxed);
}

void series_set(struct series *s, double value)
{
	atomic_store_explicit(&s->value, bits(value), memory_order_relaxed);
}

static const struct family *family_of(const struct series *s)
{
	const struct series *first = s - s->number;
	const struct arena *a = (const void *)((const char *)first - offsetof(struct arena, series));

	return &a->families[s->family];
}

void series_observe(struct series *s, double value)
{
	uint64_t old = atomic_load_explicit(&s->sum, memory_order_relaxed);
	const struct family *f;
	uint32_t b = 0;

	if (s->number == NOBODY)
		return;
	f = family_of(s);
	while (b < f->n_buckets && value > f->buckets[b])
		b++;
	if (b < f->n_buckets)
		atomic_fetch_add_explicit(&s->counts[b], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->value, 1, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&s->sum, &old, bits(number(old) + value)))
		;
}

void series_hide(struct series *s)
{
	atomic_store(&s->hidden, true);
}

double series_value(const struct series *s)
{
	uint64_t value = atomic_load(&s->value);

	if (s->number != NOBODY && family_of(s)->type == T3OPS_GAUGE)
		return number(value);
	return (double)value;
}

/* ---- rendering --------------------------------------------------------------------- */

static void histogram_render(const struct family *f, const struct series *s, FILE *out)
{
	const char *comma = s->labels[0] != '\0' ? "," : "";
	uint64_t sum = 0;

	for (uint32_t b = 0; b < f->n_buckets; b++) {
		sum += atomic_load(&s->counts[b]);
		fprintf(out, "%s_bucket{%s%sle=\"%.12g\"} %llu\n", f->name, s->labels, comma, f->buckets[b],
		        (unsigned long long)sum);
	}
	fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", f->name, s->labels, comma,
	        (unsigned long long)atomic_load(&s->value));
	fprintf(out, "%s_sum{%s} %.12g\n", f->name, s->labels, number(atomic_load(&s->sum)));
	fprintf(out, "%s_count{%s} %llu\n", f->name, s->labels, (unsigned long long)atomic_load(&s->value));
}

static void series_render(const struct family *f, const struct series *s, FILE *out)
{
	const char *open = s->labels[0] != '\0' ? "{" : "", *close = s->labels[0] != '\0' ? "}" : "";

	if (f->type == T3OPS_HISTOGRAM)
		histogram_render(f, s, out);
	else if (f->type == T3OPS_GAUGE)
		fprintf(out, "%s%s%s%s %.15g\n", f->name, open, s->labels, close, number(atomic_load(&s->value)));
	else
		fprintf(out, "%s%s%s%s %llu\n", f->name, open, s->labels, close,
		        (unsigned long long)atomic_load(&s->value));
}

static bool is_shown(struct arena *a, const struct family *f, const struct series *s)
{
	if (atomic_load(&s->hidden))
		return false;
	return f->type != T3OPS_GAUGE || is_alive(a, atomic_load(&s->owner));
}

static void family_render(struct arena *a, uint32_t number_of_family, FILE *out)
{
	static const char *const types[] = {"untyped", "counter", "gauge", "histogram"};
	const struct family *f = &a->families[number_of_family];
	uint32_t n = atomic_load(&a->n_series);
	bool head = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct series *s = &a->series[i];

		if (s->family != number_of_family || !is_shown(a, f, s))
			continue;
		if (!head)
			fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, types[f->type & 3]);
		head = true;
		series_render(f, s, out);
	}
}

static int by_name(const void *x, const void *y, void *arg)
{
	const struct family *families = arg;

	return strcmp(families[*(const uint32_t *)x].name, families[*(const uint32_t *)y].name);
}

void metrics_render(struct metrics *m, FILE *out)
{
	struct arena *a = m->arena;
	uint32_t order[FAMILIES_MAX], n = atomic_load(&a->n_families);

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof order[0], by_name, a->families);
	for (uint32_t i = 0; i < n; i++)
		family_render(a, order[i], out);
	fprintf(out,
	        "# HELP t3ops_metrics_dropped_total Lookups of a series that found no room in the arena.\n"
	        "# TYPE t3ops_metrics_dropped_total counter\nt3ops_metrics_dropped_total %llu\n",
	        (unsigned long long)atomic_load(&a->dropped));
}
