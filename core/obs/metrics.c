/* SPDX-License-Identifier: MIT */
/*
 * Series of this process's arena; see metrics.h.
 *
 * Families and series are appended, never moved or removed.  Nothing takes a lock: of two processes that make the
 * same series at once one wins, and the other's place stays empty.  What a process of the same kind may have left
 * behind is read within its bounds, for the next one must not die of it, too.
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

#define MAGIC 0x6d337073 /* changes with the layout */
#define HEAD  METRICS_ARENAS

_Static_assert(METRICS_FDS == METRICS_ARENAS + 1, "one each");

struct metrics {
	struct metrics_head *head; /* the supervisor's; NULL elsewhere */
	struct arena *arena;
	struct metrics_memory all; /* NULLs: it does not read them */
	int fds[METRICS_FDS];      /* the supervisor's; -1 elsewhere */
	uint32_t owner;
	bool full_reported;
	struct series nobody; /* what a full arena hands out */
};

/* ---- views ----------------------------------------------------------------------------------- */

static struct metrics *view_new(void)
{
	struct metrics *m = calloc(1, sizeof *m);

	for (size_t i = 0; m && i < METRICS_FDS; i++)
		m->fds[i] = -1;
	return m;
}

/* NULL with errno. */
static struct metrics *view_fail(struct metrics *m, int error)
{
	metrics_free(m);
	errno = error;
	return NULL;
}

static size_t size_of(size_t fd)
{
	return fd == HEAD ? sizeof(struct metrics_head) : sizeof(struct arena);
}

struct metrics *metrics_new(void)
{
	struct metrics *m = view_new();

	for (size_t i = 0; m && i < METRICS_FDS; i++) {
		m->fds[i] = shm_create("t3ops-metrics", size_of(i));
		if (m->fds[i] < 0)
			return view_fail(m, -m->fds[i]);
	}
	if (!m)
		return NULL;
	m->head = shm_attach(m->fds[HEAD], sizeof *m->head);
	m->arena = shm_attach(m->fds[0], sizeof *m->arena);
	if (!m->head || !m->arena)
		return view_fail(m, errno);
	m->head->magic = MAGIC;
	m->head->size = sizeof(struct arena);
	return m;
}

struct metrics *metrics_attach(const int fds[METRICS_FDS])
{
	struct metrics *m = view_new();
	bool known = true;

	if (!m)
		return NULL;
	memcpy(m->fds, fds, sizeof m->fds);
	for (size_t i = 0; i < METRICS_FDS && known; i++)
		known = shm_check(fds[i], size_of(i)) == 0;
	m->head = known ? shm_attach(fds[HEAD], sizeof *m->head) : NULL;
	m->arena = known ? shm_attach(fds[0], sizeof *m->arena) : NULL;
	if (m->head && m->arena && m->head->magic == MAGIC && m->head->size == sizeof(struct arena))
		return m;
	return view_fail(m, EPROTO);
}

const int *metrics_fds(const struct metrics *supervisors)
{
	return supervisors->fds;
}

static bool all_map(struct metrics_memory *all, const int *fds)
{
	bool whole = true;

	all->head = shm_attach_readonly(fds[HEAD], sizeof *all->head);
	for (size_t i = 0; i < METRICS_ARENAS; i++) {
		all->arenas[i] = shm_attach_readonly(fds[i], sizeof *all->arenas[i]);
		whole = whole && all->arenas[i];
	}
	return whole && all->head;
}

struct metrics *metrics_open(const struct metrics *supervisors, unsigned number, bool reads_all)
{
	struct metrics *m = view_new();

	if (!m)
		return NULL;
	m->arena = shm_attach(supervisors->fds[number], sizeof *m->arena);
	if (m->arena && (!reads_all || all_map(&m->all, supervisors->fds)))
		return m;
	return view_fail(m, errno);
}

void metrics_free(struct metrics *m)
{
	int error = errno;

	if (!m)
		return;
	shm_free(m->head, sizeof *m->head);
	shm_free(m->arena, sizeof *m->arena);
	shm_free(m->all.head, sizeof *m->all.head);
	for (size_t i = 0; i < METRICS_ARENAS; i++)
		shm_free(m->all.arenas[i], sizeof *m->all.arenas[i]);
	for (size_t i = 0; i < METRICS_FDS; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	free(m);
	errno = error;
}

const struct metrics_memory *metrics_memory(const struct metrics *m)
{
	return m->all.head ? &m->all : NULL;
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

/* Of what is in the index; NULL: no number that this process could have put there. */
static struct series *series_at(struct arena *a, uint32_t number)
{
	struct series *s = number <= METRICS_SERIES_MAX ? &a->series[number - 1] : NULL;

	return s && s->family < METRICS_FAMILIES_MAX ? s : NULL;
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
		s = series_at(a, number);
		if (s && strcmp(s->labels, labels) == 0 && strcmp(a->families[s->family].name, name) == 0)
			return s;
	}
	*slot = METRICS_INDEX_SIZE;
	return NULL;
}

/* A place that nobody else gets; `most`: there is none.  The count stays within reach of it. */
static uint32_t place_take(_Atomic uint32_t *n, uint32_t most)
{
	uint32_t taken = atomic_load(n);

	while (taken < most && !atomic_compare_exchange_weak(n, &taken, taken + 1))
		;
	return taken < most ? taken : most;
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

/* Its number; METRICS_FAMILIES_MAX: no room, or the name stands for another type already. */
static uint32_t family_find_or_make(struct arena *a, const struct t3ops_metric *f)
{
	uint32_t n = at_most(atomic_load(&a->n_families), METRICS_FAMILIES_MAX), i = 0;
	struct family *new;

	while (i < n && (!atomic_load(&a->families[i].made) || strcmp(a->families[i].name, f->name) != 0))
		i++;
	if (i < n)
		return a->families[i].type == f->type ? i : METRICS_FAMILIES_MAX;
	if (strlen(f->name) >= sizeof new->name)
		return METRICS_FAMILIES_MAX;
	n = place_take(&a->n_families, METRICS_FAMILIES_MAX);
	if (n == METRICS_FAMILIES_MAX)
		return n;
	new = &a->families[n];
	snprintf(new->name, sizeof new->name, "%s", f->name);
	snprintf(new->help, sizeof new->help, "%.*s", (int)sizeof new->help - 1, f->help ? f->help : "");
	new->type = f->type;
	new->n_buckets = at_most((uint32_t)f->n_buckets, METRICS_BUCKETS_MAX);
	for (uint32_t b = 0; b < new->n_buckets; b++)
		new->buckets[b] = f->buckets[b];
	atomic_store(&new->made, 1);
	return n;
}

static void series_fill(struct series *s, const struct t3ops_metric *f, uint32_t family, const char *labels)
{
	s->family = family;
	s->type = f->type;
	s->n_buckets = at_most((uint32_t)f->n_buckets, METRICS_BUCKETS_MAX);
	for (uint32_t b = 0; b < s->n_buckets; b++)
		s->buckets[b] = f->buckets[b];
	snprintf(s->labels, sizeof s->labels, "%s", labels);
}

/* Puts it into the index where it belongs; the one that another process put there first, or NULL: no room. */
static struct series *series_publish(struct arena *a, struct series *s, const char *name, uint32_t slot)
{
	uint32_t number = (uint32_t)(s - a->series) + 1, none = 0;

	while (slot < METRICS_INDEX_SIZE && !atomic_compare_exchange_strong(&a->index[slot], &none, number)) {
		struct series *first = series_find(a, name, s->labels, &slot);

		if (first)
			return first;
		none = 0;
	}
	if (slot == METRICS_INDEX_SIZE)
		return NULL;
	atomic_store(&s->made, 1);
	return s;
}

static struct series *series_make(struct arena *a, const struct t3ops_metric *f, const char *labels, uint32_t slot)
{
	uint32_t family = family_find_or_make(a, f), n;

	if (family == METRICS_FAMILIES_MAX || slot == METRICS_INDEX_SIZE)
		return NULL;
	n = place_take(&a->n_series, METRICS_SERIES_MAX);
	if (n == METRICS_SERIES_MAX)
		return NULL;
	series_fill(&a->series[n], f, family, labels);
	return series_publish(a, &a->series[n], f->name, slot);
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
		s = series_make(m->arena, family, labels, slot);
	if (!s)
		return dropped(m, family, "too many series, or the name stands for another type already");
	atomic_store(&s->owner, m->owner);
	atomic_store(&s->hidden, 0);
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

void series_observe(struct series *s, double value)
{
	uint64_t old = atomic_load_explicit(&s->sum, memory_order_relaxed);
	uint32_t n = at_most(s->n_buckets, METRICS_BUCKETS_MAX), b = 0;

	while (b < n && value > s->buckets[b])
		b++;
	if (b < n)
		atomic_fetch_add_explicit(&s->counts[b], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->value, 1, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&s->sum, &old, bits(number(old) + value)))
		;
}

void series_hide(struct series *s)
{
	atomic_store(&s->hidden, 1);
}

double series_value(const struct series *s)
{
	uint64_t value = atomic_load(&s->value);

	return s->type == T3OPS_GAUGE ? number(value) : (double)value;
}
