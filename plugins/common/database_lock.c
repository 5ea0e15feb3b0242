/* SPDX-License-Identifier: MIT */
/* See database_lock.h. */
#include "common/database_lock.h"

#include <errno.h>
#include <unistd.h>

/* Where SQLite locks: pending, reserved, and the range of readers, which every open connection to a database with a
 * -wal file holds. */
#define LOCKS_START 0x40000000
#define LOCKS_LEN   512

struct flock database_lock_range(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = LOCKS_START, .l_len = LOCKS_LEN};
}

pid_t database_user(const char *database)
{
	struct flock lock = database_lock_range(F_WRLCK);
	int fd = open(database, O_RDWR | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = fcntl(fd, F_GETLK, &lock) < 0 ? -errno : lock.l_type == F_UNLCK ? 0 : lock.l_pid;
	close(fd);
	return r;
}
