/* SPDX-License-Identifier: MIT */
/* Making a user's private directory without following what somebody else put there; see user_dir.h. */
#include "helper/user_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/kv.h"

static int refused(char *why, size_t size, const char *name, const char *reason, int error)
{
	snprintf(why, size, "%s%s%s", name, *name ? ": " : "", reason);
	return -error;
}

static int base_open(const char *base, char *why, size_t size)
{
	struct stat st;
	int fd = -1, error;

	if (mkdir(base, 0711) == 0 || errno == EEXIST)
		fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	if (fd < 0)
		return refused(
		    why, size, "",
		    textf("%s%s", strerror(error), error == ENOENT || error == EACCES ? "; create it" : ""), error);
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		return fd;
	close(fd);
	return refused(why, size, "",
	               textf("it must belong to %s, and nobody else may write there (chown, chmod go-w)",
	                     geteuid() == 0 ? "root" : "the account of t3ops"),
	               EPERM);
}

static int dir_own(int fd, const struct user *user)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (geteuid() != 0)
		return st.st_uid == geteuid() ? 0 : -EPERM;
	if (!user->has_uid || user->uid == 0)
		return -ENOENT;
	if (st.st_uid != user->uid && st.st_uid != 0)
		return -EPERM;
	return fchown(fd, user->uid, user->gid) < 0 || fchmod(fd, 0700) < 0 ? -errno : 0;
}

int user_dir_make(const char *base, const struct user *user, char *why, size_t size)
{
	int base_fd = base_open(base, why, size), fd, r;

	if (base_fd < 0)
		return base_fd;
	if (mkdirat(base_fd, user->name, 0700) < 0 && errno != EEXIST) {
		r = errno;
		close(base_fd);
		return refused(why, size, user->name, strerror(r), r);
	}
	fd = openat(base_fd, user->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : dir_own(fd, user);
	if (fd >= 0)
		close(fd);
	close(base_fd);
	return r < 0 ? refused(why, size, user->name,
	                       textf("not a directory of account %s: %s", user->os_user, strerror(-r)), -r)
	             : 0;
}
