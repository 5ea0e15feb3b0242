/* SPDX-License-Identifier: MIT */
/* Making a user's private directory without following what somebody else put there; see user_dir.h. */
#include "helper/user_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/log.h"

static int refused(const char *base, const char *name, const char *reason, int error)
{
	log_write(LOG_L_ERROR, "user_dir_failed", kv_path(textf("%s/%s", base, name)),
	          kv_error(textf("%s: %s", reason, strerror(error))));
	return -error;
}

static int base_open(const char *base)
{
	struct stat st;
	int fd;

	if (mkdir(base, 0711) < 0 && errno != EEXIST)
		return -errno;
	fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int dir_own(int fd, const struct user *user)
{
	const struct passwd *pw;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (geteuid() != 0)
		return st.st_uid == geteuid() ? 0 : -EPERM;
	pw = getpwnam(user->os_user);
	if (!pw || pw->pw_uid == 0)
		return -ENOENT;
	if (st.st_uid != pw->pw_uid && st.st_uid != 0)
		return -EPERM;
	return fchown(fd, pw->pw_uid, pw->pw_gid) < 0 || fchmod(fd, 0700) < 0 ? -errno : 0;
}

int user_dir_make(const char *base, const struct user *user)
{
	int base_fd = base_open(base), fd, r;

	if (base_fd < 0)
		return refused(base, "", "it must be a directory of ours that nobody else can write", -base_fd);
	if (mkdirat(base_fd, user->name, 0700) < 0 && errno != EEXIST) {
		r = errno;
		close(base_fd);
		return refused(base, user->name, "cannot be made", r);
	}
	fd = openat(base_fd, user->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : dir_own(fd, user);
	if (fd >= 0)
		close(fd);
	close(base_fd);
	return r < 0 ? refused(base, user->name, "it is not a directory of that user", -r) : 0;
}
