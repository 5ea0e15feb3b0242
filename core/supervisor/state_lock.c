/* SPDX-License-Identifier: MIT */
/* The lock of a state directory; see state_lock.h. */
#include "supervisor/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/log.h"

#define LOCK_NAME "t3ops.lock"

struct state_lock {
	int fd;
	unsigned users; /* setups */
};

/* The directory belongs to an account with fewer privileges: only a plain file with this one name is taken, and it is
 * that account's, or a later start without privileges could not lock it.  0 or -errno. */
static int lock_check(int dir_fd, int fd)
{
	struct stat st, dir;

	if (fstat(fd, &st) < 0 || fstat(dir_fd, &dir) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EPERM;
	if (geteuid() == 0 && st.st_uid != dir.st_uid && fchown(fd, dir.st_uid, dir.st_gid) < 0)
		return -errno;
	return 0;
}

static int lock_open(const char *dir)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, r;

	if (dir_fd < 0)
		return -errno;
	fd = openat(dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : lock_check(dir_fd, fd);
	if (r < 0 && fd >= 0)
		close(fd);
	close(dir_fd);
	return r < 0 ? r : fd;
}

static bool same_file(int a, int b)
{
	struct stat of_a, of_b;

	return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

static long pid_read(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10);
}

/* For people, and for the line of a second daemon. */
static void pid_write(int fd)
{
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_write(LOG_L_WARNING, "state_lock_failed", kv_errno(errno));
}

/* Takes fd. */
static struct state_lock *lock_new(int fd)
{
	struct state_lock *l = calloc(1, sizeof *l);

	if (!l) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	l->fd = fd;
	l->users = 1;
	return l;
}

struct state_lock *state_lock_take(const char *dir, struct state_lock *held, char *why, size_t why_size)
{
	int fd = lock_open(dir);

	if (fd < 0) {
		log_write(LOG_L_WARNING, "state_lock_failed", kv_path(dir), kv_errno(fd),
		          kv_effect("a second daemon with this state_dir goes unnoticed"));
		errno = -fd;
		return NULL;
	}
	if (held && same_file(fd, held->fd)) {
		close(fd);
		held->users++;
		return held;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		pid_write(fd);
		return lock_new(fd);
	}
	snprintf(why, why_size, "state_dir %s: another t3ops uses it, pid %ld; give each its own", dir, pid_read(fd));
	close(fd);
	errno = EWOULDBLOCK;
	return NULL;
}

void state_lock_release(struct state_lock *l)
{
	if (!l || --l->users > 0)
		return;
	close(l->fd);
	free(l);
}

int state_lock_fd(const struct state_lock *l)
{
	return l ? l->fd : -1;
}

void state_lock_survive(const struct state_lock *l, bool yes)
{
	if (l)
		fcntl(l->fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

struct state_lock *state_lock_adopt(int fd)
{
	struct state_lock *l = fd >= 0 ? lock_new(fd) : NULL;

	state_lock_survive(l, false);
	return l;
}
