/* SPDX-License-Identifier: MIT */
/*
 * The memory of the metrics: an area for each kind of process, and the head, each a memfd of its own, for whoever
 * maps a part of a file writable can reach all of that file (mremap(2), remap_file_pages(2)).  Only its own process
 * writes an arena, and only the supervisor the head, so that no lock and no pointer crosses privileges.  What reads
 * them all (metrics_render.h) believes nothing it finds there.  Any process.
 */
#ifndef T3OPS_OBS_METRICS_ARENA_H
#define T3OPS_OBS_METRICS_ARENA_H

#include <stdatomic.h>
#include <stdint.h>

#define METRICS_ARENAS       6 /* the supervisor's is 0 */
#define METRICS_FAMILIES_MAX 512
#define METRICS_SERIES_MAX   65536
#define METRICS_INDEX_SIZE   (2 * METRICS_SERIES_MAX)
#define METRICS_BUCKETS_MAX  16
#define METRICS_LABELS_MAX   640  /* the longest name of a user, every byte escaped, and what else there is */
#define METRICS_ALIVE_MAX    2048 /* beyond all that max_draining and workers allow */

struct family {
	_Atomic uint32_t made; /* 0: the rest does not stand yet */
	char name[80], help[256];
	uint32_t type, n_buckets;
	double buckets[METRICS_BUCKETS_MAX];
};

struct series {
	_Atomic uint32_t made; /* 0: family and labels do not stand yet */
	_Atomic uint32_t hidden;
	uint32_t family, type, n_buckets; /* the last two and the bounds are the family's */
	_Atomic uint32_t owner;           /* serial of the process that found it last */
	double buckets[METRICS_BUCKETS_MAX];
	char labels[METRICS_LABELS_MAX]; /* rendered: a="b",c="d" */
	_Atomic uint64_t value;          /* counter: n; gauge: bits of a double; histogram: count */
	_Atomic uint64_t sum;            /* histogram: bits of a double */
	_Atomic uint64_t counts[METRICS_BUCKETS_MAX];
};

/* Of several processes of the same kind each takes a free place by adding to n_..., fills it and marks it as made:
 * one that dies in the middle costs that place. */
struct arena {
	_Atomic uint32_t n_families, n_series;
	_Atomic uint64_t dropped;
	_Atomic uint32_t index[METRICS_INDEX_SIZE]; /* number of a series + 1 */
	struct family families[METRICS_FAMILIES_MAX];
	struct series series[METRICS_SERIES_MAX];
};

struct metrics_head {
	uint32_t magic, size; /* of struct arena */
	_Atomic uint32_t n_alive;
	_Atomic uint32_t alive[METRICS_ALIVE_MAX]; /* serials of the processes that run now */
};

/* Read-only. */
struct metrics_memory {
	const struct metrics_head *head;
	const struct arena *arenas[METRICS_ARENAS];
};

#endif
