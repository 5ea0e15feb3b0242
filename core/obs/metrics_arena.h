/* SPDX-License-Identifier: MIT */
/*
 * The memory of the metrics: an area for each kind of process, and the head, each a memfd of its own, for whoever
 * maps a part of a file writable can reach all of that file (mremap(2), remap_file_pages(2)).  Only its own process
 * writes an arena, and only the supervisor the head, so that no lock and no pointer crosses privileges.  What reads
 * them all (metrics_render.h) believes nothing it finds there.  Any process.
 *
 * An arena is address space far beyond what is used of it: a page takes memory when a series first stands there.
 */
#ifndef T3OPS_OBS_METRICS_ARENA_H
#define T3OPS_OBS_METRICS_ARENA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_ARENAS       6 /* the supervisor's is 0 */
#define METRICS_FAMILIES_MAX 2048
#define METRICS_BUCKETS_MAX  16
#define METRICS_LABELS_MAX   640  /* the longest name of a user, every byte escaped, and what else there is */
#define METRICS_ALIVE_MAX    2048 /* beyond all that max_draining and workers allow */

#if SIZE_MAX > UINT32_MAX
#define METRICS_HEAP_BYTES ((size_t)4 << 30) /* some thirty million series */
#else
#define METRICS_HEAP_BYTES ((size_t)64 << 20)
#endif
#define METRICS_UNIT      sizeof(uint64_t) /* what places are counted in */
#define METRICS_LAST_UNIT ((uint32_t)((METRICS_HEAP_BYTES - METRICS_SERIES_BYTES_MAX) / METRICS_UNIT))
/* Of that, what series of single users leave to all others. */
#define METRICS_RESERVED_UNITS (METRICS_LAST_UNIT / 16)

struct family {
	_Atomic uint32_t made; /* 0: the rest does not stand yet */
	char name[80], help[256];
	uint32_t type, n_buckets;
	double buckets[METRICS_BUCKETS_MAX];
};

/* As long as it needs to be. */
struct series {
	_Atomic uint32_t next; /* the place of the series made after it; 0: there is none */
	_Atomic uint32_t hidden;
	_Atomic uint32_t owner; /* serial of the process that found it last */
	uint16_t family, type;
	uint32_t n_buckets;
	_Atomic uint64_t value; /* counter: n; gauge: bits of a double; histogram: count */
	_Atomic uint64_t sum;   /* histogram: bits of a double */
	/* a histogram's counts, then the bits of its bounds, n_buckets each, and for all: the labels, a="b",c="d" */
	_Atomic uint64_t tail[];
};

#define METRICS_SERIES_BYTES_MAX                                                                                     \
	(sizeof(struct series) + 2 * METRICS_BUCKETS_MAX * sizeof(uint64_t) + METRICS_LABELS_MAX)

/* Of several processes of the same kind each takes a free place by adding to n_families or used, and fills it.  A
 * family is marked as made, a series linked behind the last one: one that dies in the middle costs that place. */
struct arena {
	_Atomic uint32_t n_families, first; /* the place of the first series; 0: there is none */
	_Atomic uint32_t used;              /* units of the heap; the first one is nobody's */
	_Atomic uint64_t dropped;
	struct family families[METRICS_FAMILIES_MAX];
	_Atomic uint64_t heap[METRICS_HEAP_BYTES / METRICS_UNIT];
};

struct metrics_head {
	uint32_t magic;
	uint64_t size; /* of struct arena */
	_Atomic uint32_t n_alive;
	_Atomic uint32_t alive[METRICS_ALIVE_MAX]; /* serials of the processes that run now */
};

/* Read-only. */
struct metrics_memory {
	const struct metrics_head *head;
	const struct arena *arenas[METRICS_ARENAS];
};

/* The place behind `at`, 0 being before the first; 0: nothing stands there, or nothing that may.  Places grow, so
 * that every walk comes to an end whatever is written there. */
static inline uint32_t arena_next(const struct arena *a, uint32_t at)
{
	const struct series *s = (const void *)&a->heap[at];
	uint32_t next = atomic_load(at == 0 ? &a->first : &s->next);

	return next > at && next <= METRICS_LAST_UNIT ? next : 0;
}

static inline const struct series *arena_series(const struct arena *a, uint32_t at)
{
	return (const void *)&a->heap[at];
}

/* Of a series, whatever stands there. */
static inline uint32_t series_buckets(const struct series *s)
{
	return s->n_buckets < METRICS_BUCKETS_MAX ? s->n_buckets : METRICS_BUCKETS_MAX;
}

/* Perhaps without an end within METRICS_LABELS_MAX. */
static inline const char *series_labels(const struct series *s)
{
	return (const char *)&s->tail[2 * (size_t)series_buckets(s)];
}

#endif
