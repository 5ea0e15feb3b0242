/* SPDX-License-Identifier: MIT */
/*
 * The memory of the metrics: a head and one arena for each process, in one memfd.  Only its own process writes an
 * arena, and only the supervisor the head, so that no lock and no pointer crosses privileges.  What reads them all
 * (metrics_render.h) believes nothing it finds there.  Any process.
 */
#ifndef T3OPS_OBS_METRICS_ARENA_H
#define T3OPS_OBS_METRICS_ARENA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define METRICS_ARENAS       8 /* the supervisor's is 0 */
#define METRICS_FAMILIES_MAX 512
#define METRICS_SERIES_MAX   65536
#define METRICS_INDEX_SIZE   (2 * METRICS_SERIES_MAX)
#define METRICS_BUCKETS_MAX  16
#define METRICS_LABELS_MAX   232
#define METRICS_ALIVE_MAX    1024
#define METRICS_PAGE         65536 /* the largest page size there is */

struct family {
	char name[80], help[256];
	uint32_t type, n_buckets;
	double buckets[METRICS_BUCKETS_MAX];
};

struct series {
	uint32_t number; /* in the arena; NOBODY outside */
	uint32_t family;
	_Atomic uint32_t owner; /* serial of the process that found it last */
	atomic_bool hidden;
	char labels[METRICS_LABELS_MAX]; /* rendered: a="b",c="d" */
	_Atomic uint64_t value;          /* counter: n; gauge: bits of a double; histogram: count */
	_Atomic uint64_t sum;            /* histogram: bits of a double */
	_Atomic uint64_t counts[METRICS_BUCKETS_MAX];
};

struct arena {
	pthread_mutex_t making; /* robust: a process killed in the middle leaves the arena usable */
	_Atomic uint32_t n_families, n_series;
	_Atomic uint64_t dropped;
	_Atomic uint32_t index[METRICS_INDEX_SIZE]; /* number of a series + 1 */
	struct family families[METRICS_FAMILIES_MAX];
	struct series series[METRICS_SERIES_MAX];
};

struct metrics_head {
	uint32_t magic, size;
	_Atomic uint32_t n_alive;
	_Atomic uint32_t alive[METRICS_ALIVE_MAX]; /* serials of the processes that run now */
};

/* Each begins on a page in the memfd, whatever the machine's page size: it is mapped alone elsewhere, where it is
 * aligned to a page of the machine only. */
#define METRICS_PAGES(type) ((sizeof(type) + METRICS_PAGE - 1) / METRICS_PAGE * METRICS_PAGE)

struct metrics_memory {
	union {
		struct metrics_head head;
		char head_pages[METRICS_PAGES(struct metrics_head)];
	};
	union arena_pages {
		struct arena arena;
		char pages[METRICS_PAGES(struct arena)];
	} arenas[METRICS_ARENAS];
};

/* A new memory; what is never touched takes none.  The descriptor or -errno. */
int metrics_memory_create(void);
/* 0, or -EPROTO: fd holds another layout. */
int metrics_memory_check(int fd);
/* Mappings; NULL with errno.  The last one is read-only. */
struct metrics_head *metrics_head_map(int fd);
struct arena *metrics_arena_map(int fd, unsigned number);
const struct metrics_memory *metrics_memory_map(int fd);

#endif
