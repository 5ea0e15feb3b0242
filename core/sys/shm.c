/* SPDX-License-Identifier: MIT */
/* Memory that processes share; see shm.h. */
#include "sys/shm.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *shm_map(int fd, size_t size)
{
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return area == MAP_FAILED ? NULL : area;
}

void *shm_new(const char *name, size_t size, int *fd)
{
	void *area = NULL;
	int error;

	*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0)
		return NULL;
	if (ftruncate(*fd, (off_t)size) == 0)
		area = shm_map(*fd, size);
	if (area)
		return area;
	error = errno;
	close(*fd);
	*fd = -1;
	errno = error;
	return NULL;
}

void *shm_attach(int fd, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (st.st_size == (off_t)size)
		return shm_map(fd, size);
	errno = EPROTO;
	return NULL;
}

void shm_free(void *area, size_t size)
{
	if (area)
		munmap(area, size);
}
