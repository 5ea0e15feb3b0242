/* SPDX-License-Identifier: MIT */
/* Memory that processes share; see shm.h. */
#include "sys/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *map(int fd, off_t at, size_t size, int protection)
{
	void *area = mmap(NULL, size, protection, MAP_SHARED, fd, at);

	return area == MAP_FAILED ? NULL : area;
}

int shm_create(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC), error;

	if (fd < 0 || ftruncate(fd, (off_t)size) == 0)
		return fd < 0 ? -errno : fd;
	error = errno;
	close(fd);
	return -error;
}

void *shm_new(const char *name, size_t size, int *fd)
{
	void *area;
	int error;

	*fd = shm_create(name, size);
	if (*fd < 0) {
		errno = -*fd;
		*fd = -1;
		return NULL;
	}
	area = map(*fd, 0, size, PROT_READ | PROT_WRITE);
	if (area)
		return area;
	error = errno;
	close(*fd);
	*fd = -1;
	errno = error;
	return NULL;
}

static bool has_size(int fd, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	errno = EPROTO;
	return st.st_size == (off_t)size;
}

void *shm_attach(int fd, size_t size)
{
	return has_size(fd, size) ? map(fd, 0, size, PROT_READ | PROT_WRITE) : NULL;
}

void *shm_attach_part(int fd, size_t whole, size_t at, size_t size)
{
	return has_size(fd, whole) ? map(fd, (off_t)at, size, PROT_READ | PROT_WRITE) : NULL;
}

const void *shm_attach_readonly(int fd, size_t size)
{
	char path[32];
	void *area;
	int again;

	if (!has_size(fd, size))
		return NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	area = map(again >= 0 ? again : fd, 0, size, PROT_READ);
	if (again >= 0)
		close(again);
	return area;
}

void shm_free(const void *area, size_t size)
{
	if (area)
		munmap((void *)(uintptr_t)area, size);
}
