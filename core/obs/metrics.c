/* SPDX-License-Identifier: MIT */
/*
 * Series of this process's arena; see metrics.h.
 *
 * Families and series are appended, never moved or removed.  Nothing takes a lock: a series is linked behind the last
 * one by whoever has seen all before it, so that of two processes that make the same one at once one wins, and the
 * other's place stays empty.  Each process finds series by an index of its own.  What a process of the same kind may
 * have left behind is read within its bounds, for the next one must not die of it, too.
 */
#include "obs/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tbl/hash.h"
#include "sys/shm.h"
#include "obs/log.h"
#include "obs/metrics_arena.h"

#define MAGIC 0x6d347073 /* changes with the layout */
#define HEAD  METRICS_ARENAS

#define INDEX_START 256
#define NAME_SIZE   sizeof((struct family *)0)->name

_Static_assert(METRICS_FDS == METRICS_ARENAS + 1, "one each");

/* A hash in the upper half, a place in the lower; 0: free. */
struct index {
	uint64_t *entries;
	size_t size, n; /* a power of two, at most half full */
};

struct metrics {
	struct metrics_head *head; /* the supervisor's; NULL elsewhere */
	struct arena *arena;
	struct metrics_memory all; /* NULLs: it does not read them */
	int fds[METRICS_FDS];      /* the supervisor's; -1 elsewhere */
	uint32_t owner;
	struct index index; /* of the series of the arena, up to the place `last` */
	uint32_t last;
	bool full_reported;
	struct series *nobody; /* what a full arena hands out */
};

/* ---- views ----------------------------------------------------------------------------------- */

static struct metrics *view_new(void)
{
	struct metrics *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	for (size_t i = 0; i < METRICS_FDS; i++)
		m->fds[i] = -1;
	m->nobody = calloc(1, METRICS_SERIES_BYTES_MAX);
	if (m->nobody)
		return m;
	free(m);
	return NULL;
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

/* NULL: errno. */
static struct arena *arena_attach(int fd)
{
	struct arena *a = shm_attach(fd, sizeof *a);

	if (a)
		madvise(a, sizeof *a, MADV_DONTDUMP); /* a core dump would walk through all of it */
	return a;
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
	m->arena = arena_attach(m->fds[0]);
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
	m->arena = known ? arena_attach(fds[0]) : NULL;
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
		if (all->arenas[i])
			madvise((void *)(uintptr_t)all->arenas[i], sizeof *all->arenas[i], MADV_DONTDUMP);
		whole = whole && all->arenas[i];
	}
	return whole && all->head;
}

struct metrics *metrics_open(const struct metrics *supervisors, unsigned number, bool reads_all)
{
	struct metrics *m = view_new();

	if (!m)
		return NULL;
	m->arena = arena_attach(supervisors->fds[number]);
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
	free(m->index.entries);
	free(m->nobody);
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

/* ---- the index of this process ------------------------------------------------------------- */

static uint32_t hash(const char *name, const char *labels)
{
	uint64_t h = hash_bytes(HASH_START, name, strnlen(name, NAME_SIZE));

	h = hash_bytes(hash_bytes(h, "{", 1), labels, strnlen(labels, METRICS_LABELS_MAX));
	return (uint32_t)(h ^ h >> 32);
}

/* Its family is one, however wild who wrote it. */
static const char *series_name(const struct arena *a, const struct series *s)
{
	return s->family < METRICS_FAMILIES_MAX ? a->families[s->family].name : "";
}

static void index_put(struct index *x, uint64_t entry)
{
	size_t at = entry >> 32 & (x->size - 1);

	while (x->entries[at] != 0)
		at = (at + 1) & (x->size - 1);
	x->entries[at] = entry;
}

/* Twice as large; false: no memory. */
static bool index_grow(struct index *x)
{
	struct index larger = {.size = x->size > 0 ? 2 * x->size : INDEX_START, .n = x->n};

	larger.entries = calloc(larger.size, sizeof *larger.entries);
	if (!larger.entries)
		return false;
	for (size_t i = 0; i < x->size; i++)
		if (x->entries[i] != 0)
			index_put(&larger, x->entries[i]);
	free(x->entries);
	*x = larger;
	return true;
}

static bool index_add(struct index *x, uint32_t hash, uint32_t at)
{
	if (2 * (x->n + 1) > x->size && !index_grow(x))
		return false;
	index_put(x, (uint64_t)hash << 32 | at);
	x->n++;
	return true;
}

static struct series *index_find(const struct metrics *m, uint32_t hash, const char *name, const char *labels)
{
	const struct index *x = &m->index;
	size_t at = hash & (x->size - 1);

	for (; x->size > 0 && x->entries[at] != 0; at = (at + 1) & (x->size - 1)) {
		struct series *s = (void *)&m->arena->heap[(uint32_t)x->entries[at]];

		if (x->entries[at] >> 32 == hash && strncmp(series_name(m->arena, s), name, NAME_SIZE) == 0 &&
		    strncmp(series_labels(s), labels, METRICS_LABELS_MAX) == 0)
			return s;
	}
	return NULL;
}

/* Takes in what was made meanwhile, by this process or others of its kind; false: no memory. */
static bool index_follow(struct metrics *m)
{
	uint32_t at;

	while ((at = arena_next(m->arena, m->last)) != 0) {
		const struct series *s = arena_series(m->arena, at);

		if (!index_add(&m->index, hash(series_name(m->arena, s), series_labels(s)), at))
			return false;
		m->last = at;
	}
	return true;
}

/* ---- finding and making ---------------------------------------------------------------------- */

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

static bool is_of_one_user(const struct t3ops_metric *f)
{
	for (size_t i = 0; i < sizeof f->labels / sizeof f->labels[0] && f->labels[i]; i++)
		if (strcmp(f->labels[i], "user") == 0)
			return true;
	return false;
}

/* So many units behind each other, that nobody else gets; 0: there are none.  last: they are behind that one, as all
 * room is that was not taken yet, unless somebody went wild. */
static uint32_t room_take(struct arena *a, size_t bytes, uint32_t last, uint32_t most)
{
	uint32_t units = (uint32_t)((bytes + METRICS_UNIT - 1) / METRICS_UNIT), used = atomic_load(&a->used), at;

	do {
		at = used > last ? used : last + 1;
		if (at > most || units > most - at)
			return 0;
	} while (!atomic_compare_exchange_weak(&a->used, &used, at + units));
	return at;
}

static void series_fill(struct series *s, const struct t3ops_metric *f, uint32_t family, const char *labels)
{
	s->family = (uint16_t)family;
	s->type = (uint16_t)f->type;
	s->n_buckets = at_most((uint32_t)f->n_buckets, METRICS_BUCKETS_MAX);
	for (uint32_t b = 0; b < s->n_buckets; b++)
		atomic_store(&s->tail[s->n_buckets + b], bits(f->buckets[b]));
	memcpy((char *)&s->tail[2 * (size_t)s->n_buckets], labels, strlen(labels) + 1);
}

/* Behind the last one.  False: somebody else was faster, or its place is not behind that one. */
static bool series_link(struct metrics *m, uint32_t at)
{
	struct series *last = (void *)&m->arena->heap[m->last];
	_Atomic uint32_t *link = m->last == 0 ? &m->arena->first : &last->next;
	uint32_t next = atomic_load(link);

	/* what cannot be a place was written by one that went wild */
	return at > m->last && arena_next(m->arena, m->last) == 0 && atomic_compare_exchange_strong(link, &next, at);
}

/* NULL: no room, or no memory for the index. */
static struct series *series_make(struct metrics *m, const struct t3ops_metric *f, uint32_t hash, const char *labels)
{
	uint32_t family = family_find_or_make(m->arena, f), at = 0;
	uint32_t most = METRICS_LAST_UNIT - (is_of_one_user(f) ? METRICS_RESERVED_UNITS : 0);
	size_t buckets = at_most((uint32_t)f->n_buckets, METRICS_BUCKETS_MAX);
	size_t bytes = sizeof(struct series) + 2 * buckets * sizeof(uint64_t) + strlen(labels) + 1;
	struct series *s = NULL;

	while (family < METRICS_FAMILIES_MAX && index_follow(m)) {
		s = index_find(m, hash, f->name, labels);
		if (s)
			return s;
		if (at <= m->last) { /* places grow */
			at = room_take(m->arena, bytes, m->last, most);
			if (at == 0)
				return NULL;
			series_fill((void *)&m->arena->heap[at], f, family, labels);
		}
		series_link(m, at);
	}
	return NULL;
}

/* Once: what is missing from then on is counted. */
static struct series *dropped(struct metrics *m, const struct t3ops_metric *family, const char *why)
{
	atomic_fetch_add(&m->arena->dropped, 1);
	if (!m->full_reported)
		log_write(LOG_L_WARNING, "metrics_dropped", kv_metric(family->name), kv_error(why),
		          kv_hint("see t3ops_metrics_dropped_total"));
	m->full_reported = true;
	return m->nobody;
}

struct series *metrics_series(struct metrics *m, const struct t3ops_metric *family, const char *lead_label,
                              const char *lead_value, const char *const *values)
{
	char labels[METRICS_LABELS_MAX];
	struct series *s;
	uint32_t at;

	if (!labels_render(labels, family, lead_label, lead_value, values))
		return dropped(m, family, "its labels are too long");
	at = hash(family->name, labels);
	s = index_find(m, at, family->name, labels);
	if (!s)
		s = series_make(m, family, at, labels);
	if (!s)
		return dropped(m, family, "too many series, or the name stands for another type already");
	atomic_store(&s->owner, m->owner);
	atomic_store(&s->hidden, 0);
	return s;
}

/* ---- updating -------------------------------------------------------------------- */

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
	uint32_t n = series_buckets(s), b = 0;

	while (b < n && value > number(atomic_load_explicit(&s->tail[n + b], memory_order_relaxed)))
		b++;
	if (b < n)
		atomic_fetch_add_explicit(&s->tail[b], 1, memory_order_relaxed);
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
