/* SPDX-License-Identifier: MIT */
/* Memory that processes share; see shm.h. */
#include "sys/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* fd, or -errno with it closed. */
static int kept(int fd, bool good)
{
	int error = errno;

	if (fd < 0 || good)
		return fd < 0 ? -error : fd;
	close(fd);
	return -error;
}

int shm_create(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return kept(fd, fd >= 0 && ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, SIZE_SEALS) == 0);
}

int shm_text(const char *name, const char *bytes, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0)
		errno = EIO; /* a short write says nothing */
	return kept(fd, fd >= 0 && write(fd, bytes, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0 &&
	                    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | SIZE_SEALS) == 0);
}

static void *map(int fd, size_t size, int protection)
{
	void *area = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	return area == MAP_FAILED ? NULL : area;
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
	area = map(*fd, size, PROT_READ | PROT_WRITE);
	if (area)
		return area;
	error = errno;
	close(*fd);
	*fd = -1;
	errno = error;
	return NULL;
}

int shm_check(int fd, size_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals >= 0 && (seals & SIZE_SEALS) == SIZE_SEALS && fstat(fd, &st) == 0 && st.st_size == (off_t)size)
		return 0;
	errno = EPROTO;
	return -EPROTO;
}

void *shm_attach(int fd, size_t size)
{
	return shm_check(fd, size) == 0 ? map(fd, size, PROT_READ | PROT_WRITE) : NULL;
}

const void *shm_attach_readonly(int fd, size_t size)
{
	char path[32];
	void *area;
	int again;

	if (shm_check(fd, size) < 0)
		return NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC); /* of a descriptor for writing, mprotect would make it writable */
	area = again >= 0 ? map(again, size, PROT_READ) : NULL;
	if (again >= 0)
		close(again);
	return area;
}

void shm_free(const void *area, size_t size)
{
	if (area)
		munmap((void *)(uintptr_t)area, size);
}
