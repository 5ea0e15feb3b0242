/* SPDX-License-Identifier: MIT */
/* The directory of backups; see backup_dir.h.  Touches only names that it could have made itself. */
#include "backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTIAL ".state.partial" /* SQLite may add -journal */
#define DIGITS6 "[0-9][0-9][0-9][0-9][0-9][0-9]"
#define BACKUP  "state-" DIGITS6 "[0-9][0-9]T" DIGITS6 "Z"
#define ASKED   "-asked"
#define SUFFIX  ".sqlite"
#define STAMP   "state-%Y%m%dT%H%M%SZ"

static int is_leaving(const struct dirent *e)
{
	return strncmp(e->d_name, PARTIAL, strlen(PARTIAL)) == 0;
}

static int is_scheduled(const struct dirent *e)
{
	return fnmatch(BACKUP SUFFIX, e->d_name, 0) == 0;
}

static int is_asked(const struct dirent *e)
{
	return fnmatch(BACKUP ASKED SUFFIX, e->d_name, 0) == 0;
}

/* Removes everything the filter takes. */
static void sweep(const struct backup_dir *s)
{
	struct dirent **found;
	int n = scandirat(s->fd, ".", &found, is_leaving, NULL);

	for (int i = 0; i < n; i++) {
		unlinkat(s->fd, found[i]->d_name, 0);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

static int path_join(char *out, const char *a, const char *b)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", a, b);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int backup_dir_open(struct backup_dir *s, const char *base, const char *user, char *why, size_t why_size)
{
	int r = path_join(s->path, base, user);

	s->fd = -1;
	if (r == 0)
		r = path_join(s->partial, s->path, PARTIAL);
	if (r == 0) {
		s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = s->fd < 0 ? -errno : 0;
	}
	if (r < 0) {
		snprintf(why, why_size, "directory %s: %s", s->path, strerror(-r));
		return r;
	}
	if (flock(s->fd, LOCK_EX | LOCK_NB) < 0) {
		snprintf(why, why_size, "another backup is running in %s", s->path);
		close(s->fd);
		s->fd = -1;
		return -EBUSY;
	}
	sweep(s);
	return 0;
}

void backup_dir_close(struct backup_dir *s)
{
	if (s->fd < 0)
		return;
	sweep(s);
	close(s->fd);
	s->fd = -1;
}

/* VACUUM INTO does not sync. */
static int partial_sync(const struct backup_dir *s, long long *bytes)
{
	int fd = openat(s->fd, PARTIAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else
		*bytes = st.st_size;
	close(fd);
	return r;
}

/* The first second from `now` on whose name is free. */
static void name_choose(const struct backup_dir *s, time_t now, enum backup_kind kind, char *name)
{
	struct tm tm;
	size_t len;

	do {
		gmtime_r(&now, &tm);
		len = strftime(name, BACKUP_NAME_SIZE, STAMP, &tm);
		strcpy(name + len, kind == BACKUP_ASKED ? ASKED SUFFIX : SUFFIX);
		now++;
	} while (faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}

int backup_dir_put(struct backup_dir *s, time_t now, enum backup_kind kind, char *name, long long *bytes)
{
	int r = partial_sync(s, bytes);

	if (r < 0)
		return r;
	name_choose(s, now, kind, name);
	if (renameat(s->fd, PARTIAL, s->fd, name) < 0 || fsync(s->fd) < 0)
		return -errno;
	return 0;
}

/* How many names are at most a day later than that one: the others are of a clock that was wrong. */
static int credible(struct dirent *const *found, int n, const char *newest)
{
	char limit[BACKUP_NAME_SIZE];
	struct tm tm = {0};
	time_t at;
	int count = 0;

	strptime(newest, STAMP, &tm);
	at = timegm(&tm) + 24 * 3600;
	gmtime_r(&at, &tm);
	strftime(limit, sizeof limit, STAMP, &tm);
	while (count < n && strcmp(found[count]->d_name, limit) < 0)
		count++;
	return count;
}

int backup_dir_keep(struct backup_dir *s, int keep, enum backup_kind kind, const char *newest)
{
	struct dirent **found;
	int n = scandirat(s->fd, ".", &found, kind == BACKUP_ASKED ? is_asked : is_scheduled, alphasort), left = n,
	    r = 0, good;

	if (n < 0)
		return -errno;
	/* From the oldest on, which those are that cannot be. */
	good = credible(found, n, newest);
	for (int i = 0; i < n; i++) {
		const char *name = found[(good + i) % n]->d_name;
		bool spare = left <= keep || strcmp(name, newest) == 0;

		if (!spare && unlinkat(s->fd, name, 0) < 0)
			r = -errno;
		left -= spare ? 0 : 1;
	}
	for (int i = 0; i < n; i++)
		free(found[i]);
	free(found);
	return r < 0 ? r : left;
}
