/* SPDX-License-Identifier: MIT */
/* See database_lock.h. */
#include "common/database_lock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where SQLite locks: pending, reserved, and the range of readers, which every open connection to a database with a
 * -wal file holds. */
#define LOCKS_START 0x40000000
#define LOCKS_LEN   512

struct flock database_lock_range(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = LOCKS_START, .l_len = LOCKS_LEN};
}

/* By the names of its descriptors only: asking for the files themselves could wait for a file system. */
static bool has_open(const char *pid, const char *path)
{
	char name[64], target[PATH_MAX];
	bool has = false;
	struct dirent *e;
	DIR *dir;

	snprintf(name, sizeof name, "/proc/%.20s/fd", pid);
	dir = opendir(name);
	while (dir != NULL && !has && (e = readdir(dir)) != NULL) {
		ssize_t len = readlinkat(dirfd(dir), e->d_name, target, sizeof target - 1);

		target[len > 0 ? len : 0] = '\0';
		has = strcmp(target, path) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return has;
}

pid_t database_opener(const char *database)
{
	char *path = realpath(database, NULL);
	DIR *proc = path != NULL ? opendir("/proc") : NULL;
	struct dirent *e;
	pid_t found = 0;

	while (proc != NULL && found == 0 && (e = readdir(proc)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) && atoi(e->d_name) != getpid() && has_open(e->d_name, path))
			found = atoi(e->d_name);
	if (proc != NULL)
		closedir(proc);
	free(path);
	return found;
}

pid_t database_user(const char *database)
{
	struct flock lock = database_lock_range(F_WRLCK);
	int fd = open(database, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = fcntl(fd, F_GETLK, &lock) < 0 ? -errno : lock.l_type == F_UNLCK ? 0 : lock.l_pid;
	close(fd);
	return r == 0 ? database_opener(database) : r;
}
