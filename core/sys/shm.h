/* SPDX-License-Identifier: MIT */
/* Memory that processes share: inherited by fork, and by exec with its memfd.  Any process. */
#ifndef T3OPS_SYS_SHM_H
#define T3OPS_SYS_SHM_H

#include <stddef.h>

/* A new area of zeros; what is never touched takes no memory.  name: what /proc shows.  *fd is the caller's,
 * CLOEXEC.  NULL: errno, and *fd is -1. */
void *shm_new(const char *name, size_t size, int *fd);
/* The area of an earlier binary; the descriptor stays the caller's.  NULL: errno, EPROTO: it has another size. */
void *shm_attach(int fd, size_t size);
/* Unmaps; NULL is fine. */
void shm_free(void *area, size_t size);

#endif
