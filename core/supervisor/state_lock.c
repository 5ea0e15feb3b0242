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
#include <sys/sysmacros.h>
#include <unistd.h>

#include "obs/log.h"

struct state_lock {
	int fd;
	unsigned users; /* setups */
};

static bool same_file(int a, int b)
{
	struct stat of_a, of_b;

	return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

/* "3: FLOCK  ADVISORY  WRITE 16893 fe:00:11300463 0 EOF": the pid if it is about that file, else 0. */
static long holder_of_line(const char *line, const struct stat *st)
{
	unsigned long long inode;
	unsigned major, minor;
	long pid;

	if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%llu", &pid, &major, &minor, &inode) != 4)
		return 0;
	return inode == st->st_ino && major == major(st->st_dev) && minor == minor(st->st_dev) && pid > 0 ? pid : 0;
}

/* Who holds the lock, as proc(5) knows; 0: it does not, for a daemon of another PID namespace. */
static long holder_find(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	struct stat st;
	char line[160];
	long pid = 0;

	if (!locks)
		return 0;
	if (fstat(fd, &st) == 0)
		while (pid == 0 && fgets(line, sizeof line, locks))
			pid = holder_of_line(line, &st);
	fclose(locks);
	return pid;
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

static struct state_lock *lock_failed(const char *dir, int error)
{
	log_write(LOG_L_WARNING, "state_lock_failed", kv_path(dir), kv_errno(error),
	          kv_effect("a second daemon with this state_dir goes unnoticed"));
	errno = error;
	return NULL;
}

static struct state_lock *lock_taken(const char *dir, int fd, char *why, size_t why_size)
{
	long pid = holder_find(fd);

	snprintf(why, why_size, "state_dir %s: another t3ops uses it%s; give each its own", dir,
	         pid > 0 ? textf(", pid %ld", pid) : "");
	close(fd);
	errno = EWOULDBLOCK;
	return NULL;
}

/* The directory itself: under the capabilities of the unit there is none to write in another account's, and no
 * file in it that its owner could remove. */
struct state_lock *state_lock_take(const char *dir, struct state_lock *held, char *why, size_t why_size)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0)
		return lock_failed(dir, errno);
	if (held && same_file(fd, held->fd)) {
		close(fd);
		held->users++;
		return held;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return lock_new(fd);
	error = errno;
	if (error == EWOULDBLOCK)
		return lock_taken(dir, fd, why, why_size);
	close(fd);
	return lock_failed(dir, error);
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
