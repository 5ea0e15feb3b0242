/* SPDX-License-Identifier: MIT */
/*
 * Memory that processes share: inherited by fork, and by exec with its memfd.  Its size is sealed, so that nobody who
 * has it can make another one's access fault.  Any process.
 */
#ifndef T3OPS_SYS_SHM_H
#define T3OPS_SYS_SHM_H

#include <stdbool.h>
#include <stddef.h>

/* A new area of zeros, not mapped yet; what is never touched takes no memory.  name: what /proc shows.  The
 * descriptor, CLOEXEC, or -errno. */
int shm_create(const char *name, size_t size);
/* The same, mapped.  *fd is the caller's.  NULL: errno, and *fd is -1. */
void *shm_new(const char *name, size_t size, int *fd);
/* 0, or -EPROTO: it has another size, or one that can be changed. */
int shm_check(int fd, size_t size);
/* Maps an area that exists, perhaps of an earlier binary; the descriptor stays the caller's.  NULL: errno, EPROTO as
 * above. */
void *shm_attach(int fd, size_t size);
/* A mapping that cannot be made writable again; takes /proc. */
const void *shm_attach_readonly(int fd, size_t size);
/* Unmaps; NULL is fine. */
void shm_free(const void *area, size_t size);

/* A memfd with these bytes, to be read from its beginning, that nobody can change any more.  The descriptor, CLOEXEC,
 * or -errno. */
int shm_text(const char *name, const char *bytes, size_t len);

#endif
