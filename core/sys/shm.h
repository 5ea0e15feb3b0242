/* SPDX-License-Identifier: MIT */
/* Memory that processes share: inherited by fork, and by exec with its memfd.  Any process. */
#ifndef T3OPS_SYS_SHM_H
#define T3OPS_SYS_SHM_H

#include <stddef.h>

/* A new area of zeros, not mapped yet; what is never touched takes no memory.  name: what /proc shows.  The
 * descriptor, CLOEXEC, or -errno. */
int shm_create(const char *name, size_t size);
/* The same, mapped.  *fd is the caller's.  NULL: errno, and *fd is -1. */
void *shm_new(const char *name, size_t size, int *fd);
/* Maps an area that exists, perhaps of an earlier binary; the descriptor stays the caller's.  NULL: errno, EPROTO: it
 * has another size. */
void *shm_attach(int fd, size_t size);
/* A part of an area of `whole` bytes; `at` is a multiple of the page size. */
void *shm_attach_part(int fd, size_t whole, size_t at, size_t size);
/* A mapping that cannot be made writable again. */
const void *shm_attach_readonly(int fd, size_t size);
/* Unmaps; NULL is fine. */
void shm_free(const void *area, size_t size);

#endif
