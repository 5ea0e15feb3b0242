/* SPDX-License-Identifier: MIT */
/* See server_hold.h.  A lock on a file of the account's own: on what others can open they could hold one, too. */
#include "common/server_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define LOCK_FILE ".t3ops.lock"

int server_hold(const struct t3ops_user *user, char *why, size_t size)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	int fd = -1;

	if (user->home[0] == '/' && snprintf(path, sizeof path, "%s/" LOCK_FILE, user->home) < (int)sizeof path)
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
		return 0; /* the descriptor stays open, and the lock, which is the process's, with it */
	close(fd);
	snprintf(why, size, "%s", SERVER_HELD);
	return -EBUSY;
}
