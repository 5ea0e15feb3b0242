/* SPDX-License-Identifier: MIT */
/* Making and mapping the memory of the metrics; see metrics_arena.h. */
#include "obs/metrics_arena.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "sys/shm.h"

#define MAGIC 0x6d337071 /* changes with the layout */

_Static_assert(offsetof(struct metrics_memory, arenas) % METRICS_PAGE == 0, "an arena begins on a page");
_Static_assert(sizeof(union arena_pages) % METRICS_PAGE == 0, "an arena ends on a page");

static void mutex_make(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &a);
	pthread_mutexattr_destroy(&a);
}

int metrics_memory_create(void)
{
	struct metrics_memory *all;
	int fd;

	all = shm_new("t3ops-metrics", sizeof *all, &fd);
	if (!all)
		return -errno;
	all->head.magic = MAGIC;
	all->head.size = sizeof *all;
	for (unsigned i = 0; i < METRICS_ARENAS; i++)
		mutex_make(&all->arenas[i].arena.making);
	shm_free(all, sizeof *all);
	return fd;
}

int metrics_memory_check(int fd)
{
	struct metrics_head *head = metrics_head_map(fd);
	bool known = head && head->magic == MAGIC && head->size == sizeof(struct metrics_memory);

	shm_free(head, sizeof *head);
	return known ? 0 : -EPROTO;
}

struct metrics_head *metrics_head_map(int fd)
{
	return shm_attach_part(fd, sizeof(struct metrics_memory), 0, sizeof(struct metrics_head));
}

struct arena *metrics_arena_map(int fd, unsigned number)
{
	return shm_attach_part(fd, sizeof(struct metrics_memory),
	                       offsetof(struct metrics_memory, arenas) + number * sizeof(union arena_pages),
	                       sizeof(struct arena));
}

const struct metrics_memory *metrics_memory_map(int fd)
{
	return shm_attach_readonly(fd, sizeof(struct metrics_memory));
}
