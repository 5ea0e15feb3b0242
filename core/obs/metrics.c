/* SPDX-License-Identifier: MIT */
/*
 * Series of this process's arena; see metrics.h.
 *
 * Families and series are appended, never moved or removed.  Making one takes a mutex; finding one and every update
 * go without it.
 */
#include "obs/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/hash.h"
#include "sys/shm.h"
#include "obs/log.h"
#include "obs/metrics_arena.h"

#define NOBODY UINT32_MAX

struct metrics {
	struct metrics_head *head; /* the supervisor's; NULL elsewhere */
	struct arena *arena;
	const struct metrics_memory *all; /* may be NULL */
	uint32_t owner;
	bool full_reported;
	struct series nobody; /* what a full arena hands out */
};

/* ---- views ----------------------------------------------------------------------------------- */

static struct metrics *view_new(int fd, unsigned number, bool reads_all)
{
	struct metrics *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->nobody.number = NOBODY;
	m->head = number == 0 ? metrics_head_map(fd) : NULL;
	m->arena = metrics_arena_map(fd, number);
	m->all = reads_all ? metrics_memory_map(fd) : NULL;
	if (m->arena && (m->head || number > 0) && (m->all || !reads_all))
		return m;
	metrics_free(m);
	return NULL;
}

struct metrics *metrics_attach(int fd)
{
	if (metrics_memory_check(fd) == 0)
		return view_new(fd, 0, true);
	errno = EPROTO;
	return NULL;
}

struct metrics *metrics_open(int fd, unsigned number, bool reads_all)
{
	return view_new(fd, number, reads_all);
}

struct metrics *metrics_new(int *fd)
{
	struct metrics *m;
	int error;

	*fd = metrics_memory_create();
	m = *fd >= 0 ? view_new(*fd, 0, true) : NULL;
	if (m)
		return m;
	error = *fd < 0 ? -*fd : errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = error;
	return NULL;
}

void metrics_free(struct metrics *m)
{
	int error = errno;

	if (!m)
		return;
	shm_free(m->head, sizeof *m->head);
	shm_free(m->arena, sizeof *m->arena);
	shm_free(m->all, sizeof *m->all);
	free(m);
	errno = error;
}

const struct metrics_memory *metrics_memory(const struct metrics *m)
{
	return m->all;
}

void metrics_set_owner(struct metrics *m, uint32_t serial)
{
	m->owner = serial;
}

void metrics_alive(struct metrics *m, const uint32_t *serials, size_t n)
{
	if (n > METRICS_ALIVE_MAX)
		n = METRICS_ALIVE_MAX;
	for (size_t i = 0; i < n; i++)
		atomic_store(&m->head->alive[i], serials[i]);
	atomic_store(&m->head->n_alive, (uint32_t)n);
}

/* ---- finding and making -------------------------------------------------------- */

/* Adds name="value" with the escapes of the text format; false: no room. */
static bool label_add(char *out, size_t *used, const char *name, const char *value)
{
	int n = snprintf(out + *used, METRICS_LABELS_MAX - *used, "%s%s=\"", *used > 0 ? "," : "", name);

	if (n < 0 || *used + (size_t)n >= METRICS_LABELS_MAX)
		return false;
	*used += (size_t)n;
	for (; *value != '\0'; value++) {
		if (*used + 4 >= METRICS_LABELS_MAX)
			return false;
		if (*value == '"' || *value == '\\' || *value == '\n')
			out[(*used)++] = '\\';
		out[(*used)++] = *value == '\n' ? 'n' : *value;
	}
	if (*used + 2 > METRICS_LABELS_MAX)
		return false;
	out[(*used)++] = '"';
	out[*used] = '\0';
	return true;
}

static bool labels_render(char out[METRICS_LABELS_MAX], const struct t3ops_metric *f, const char *lead_label,
                          const char *lead_value, const char *const *values)
{
	size_t used = 0;

	out[0] = '\0';
	if (lead_label && !label_add(out, &used, lead_label, lead_value))
		return false;
	/* to Prometheus a label without a value is none */
	for (size_t i = 0; i < sizeof f->labels / sizeof f->labels[0] && f->labels[i]; i++)
		if (values[i][0] != '\0' && !label_add(out, &used, f->labels[i], values[i]))
			return false;
	return true;
}

static uint32_t hash(const char *name, const char *labels)
{
	return (uint32_t)hash_text(hash_text(hash_text(HASH_START, name), "{"), labels);
}

/* The series, or NULL with *slot: the index entry where it belongs (METRICS_INDEX_SIZE: none is free). */
static struct series *series_find(struct arena *a, const char *name, const char *labels, uint32_t *slot)
{
	uint32_t at = hash(name, labels) % METRICS_INDEX_SIZE;

	for (uint32_t tries = 0; tries < METRICS_INDEX_SIZE; tries++, at = (at + 1) % METRICS_INDEX_SIZE) {
		uint32_t number = atomic_load(&a->index[at]);
		struct series *s;

		*slot = at;
		if (number == 0)
			return NULL;
		s = &a->series[number - 1];
		if (strcmp(s->labels, labels) == 0 && strcmp(a->families[s->family].name, name) == 0)
			return s;
	}
	*slot = METRICS_INDEX_SIZE;
	return NULL;
}

/* Its number; METRICS_FAMILIES_MAX: no room, or the name stands for another type already. */
static uint32_t family_find_or_make(struct arena *a, const struct t3ops_metric *f)
{
	uint32_t n = atomic_load(&a->n_families), i = 0;
	struct family *new;

	while (i < n && strcmp(a->families[i].name, f->name) != 0)
		i++;
	if (i < n)
		return a->families[i].type == f->type ? i : METRICS_FAMILIES_MAX;
	if (n == METRICS_FAMILIES_MAX || strlen(f->name) >= sizeof new->name)
		return METRICS_FAMILIES_MAX;
	new = &a->families[n];
	snprintf(new->name, sizeof new->name, "%s", f->name);
	snprintf(new->help, sizeof new->help, "%.*s", (int)sizeof new->help - 1, f->help ? f->help : "");
	new->type = f->type;
	new->n_buckets = f->n_buckets < METRICS_BUCKETS_MAX ? f->n_buckets : METRICS_BUCKETS_MAX;
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
	if (family == METRICS_FAMILIES_MAX || n == METRICS_SERIES_MAX || slot == METRICS_INDEX_SIZE)
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

/* Once: what is missing from then on is counted. */
static struct series *dropped(struct metrics *m, const struct t3ops_metric *family, const char *why)
{
	atomic_fetch_add(&m->arena->dropped, 1);
	if (!m->full_reported)
		log_write(LOG_L_WARNING, "metrics_dropped", kv_metric(family->name), kv_error(why),
		          kv_hint("see t3ops_metrics_dropped_total"));
	m->full_reported = true;
	return &m->nobody;
}

struct series *metrics_series(struct metrics *m, const struct t3ops_metric *family, const char *lead_label,
                              const char *lead_value, const char *const *values)
{
	char labels[METRICS_LABELS_MAX];
	struct series *s;
	uint32_t slot;

	if (!labels_render(labels, family, lead_label, lead_value, values))
		return dropped(m, family, "its labels are too long");
	s = series_find(m->arena, family->name, labels, &slot);
	if (!s)
		s = series_make_locked(m->arena, family, labels);
	if (!s)
		return dropped(m, family, "too many series, or the name stands for another type already");
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
