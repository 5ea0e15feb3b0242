/* SPDX-License-Identifier: MIT */
/* See include_swap.h.  Which way a name is, its inode tells: the journal has that of the new one, and nobody but us
 * touches what is in the directory. */
#include "include_swap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/scratch.h"
#include "include.h"

#define UNPACKING ".files.unpacking"
#define KEPT      "files.replaced-"
#define JOURNAL   ".restoring"

static int say(char *why, size_t size, int error, const char *path)
{
	snprintf(why, size, "%.200s: %s", path,
	         error == -EBADMSG   ? "the archive of other files is damaged"
	         : error == -ENOTSUP ? "this build of t3ops lacks libarchive"
	                             : strerror(-error));
	return error;
}

static int dir_of(const char *database, char dir[PATH_MAX])
{
	char *slash;

	if (snprintf(dir, PATH_MAX, "%s", database) >= PATH_MAX)
		return -ENAMETOOLONG;
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return -EINVAL;
	*slash = '\0';
	return 0;
}

static int dir_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- the journal ---------------------------------------------------------------------------------------- */

/* Its first line is the database's inode, 0 if there is none; each other one that of a new name, and the name.  They
 * end with a zero: a name may hold everything else. */
static unsigned long long inode_at(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

static int names_write(FILE *to, int fresh_fd)
{
	struct dirent **found;
	int n = scandirat(fresh_fd, ".", &found, NULL, NULL);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (include_is_name(found[i]->d_name))
			fprintf(to, "%llu %s%c", inode_at(fresh_fd, found[i]->d_name), found[i]->d_name, '\0');
		free(found[i]);
	}
	free(found);
	return 0;
}

static int journal_write(int fresh_fd, const char *database)
{
	int fd = openat(fresh_fd, JOURNAL, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), r;
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (to == NULL) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	fprintf(to, "%llu%c", inode_at(AT_FDCWD, database), '\0');
	r = names_write(to, fresh_fd);
	if (r == 0 && (fflush(to) != 0 || ferror(to) || syncfs(fresh_fd) < 0))
		r = errno > 0 ? -errno : -EIO;
	fclose(to);
	return r;
}

static FILE *journal_open(int kept_fd)
{
	int fd = openat(kept_fd, JOURNAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *from = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (from == NULL && fd >= 0)
		close(fd);
	return from;
}

/* ---- exchanges ------------------------------------------------------------------------------------------- */

/* Both change places, or the one that is there goes where there is none. */
static int places_change(int a, int b, const char *name)
{
	if (renameat2(a, name, b, name, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (renameat2(a, name, b, name, RENAME_NOREPLACE) == 0 ||
	    (errno == ENOENT && renameat2(b, name, a, name, RENAME_NOREPLACE) == 0))
		return 0;
	return errno == ENOENT ? 0 : -errno;
}

static int name_set(int kept_fd, int dir_fd, const char *line, bool forward)
{
	char *name;
	unsigned long long fresh = strtoull(line, &name, 10);
	bool is_exchanged = *name == ' ' && inode_at(kept_fd, name + 1) != fresh;

	if (*name != ' ' || !include_is_name(name + 1))
		return -EBADMSG;
	return is_exchanged == forward ? 0 : places_change(kept_fd, dir_fd, name + 1);
}

static int names_set(int kept_fd, int dir_fd, FILE *journal, bool forward)
{
	size_t size = 0;
	char *line = NULL;
	int r = 0;

	if (getdelim(&line, &size, '\0', journal) < 0) /* the database's */
		r = -EBADMSG;
	while (r == 0 && getdelim(&line, &size, '\0', journal) > 0)
		r = name_set(kept_fd, dir_fd, line, forward);
	free(line);
	return r == 0 && (fsync(kept_fd) < 0 || fsync(dir_fd) < 0) ? -errno : r;
}

/* Every name is the new one in userdata/ (forward), or the old one; whatever each was before. */
static int all_set(int kept_fd, const char *dir, bool forward)
{
	FILE *journal = journal_open(kept_fd);
	int dir_fd = dir_open(dir), r = journal == NULL ? -ENOENT : dir_fd < 0 ? dir_fd : 0;

	if (r == 0)
		r = names_set(kept_fd, dir_fd, journal, forward);
	if (journal != NULL)
		fclose(journal);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

/* All that is in it goes: under another name first, for a journal whose names are being removed would lie. */
static int kept_remove(const char *dir, const char *kept)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/" UNPACKING, dir) >= (int)sizeof path)
		return -ENAMETOOLONG;
	scratch_remove(path);
	if (rename(kept, path) < 0)
		return -errno;
	scratch_remove(path);
	return 0;
}

static int journal_end(int kept_fd)
{
	return unlinkat(kept_fd, JOURNAL, 0) < 0 || fsync(kept_fd) < 0 ? -errno : 0;
}

/* ---- the swap --------------------------------------------------------------------------------------------- */

static int fresh_make(struct include_swap *s, const char *fresh, const char *database, int fd, uint64_t until_us)
{
	int r;

	scratch_remove(fresh);
	if (mkdir(fresh, 0700) < 0)
		return -errno;
	s->lock_fd = dir_open(fresh);
	if (s->lock_fd < 0)
		return s->lock_fd;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	r = include_unpack(fd, fresh, until_us);
	return r == 0 ? journal_write(s->lock_fd, database) : r;
}

/* Its name of the first second from at_s on that is free. */
static int fresh_name(struct include_swap *s, const char *fresh, long long at_s)
{
	struct tm tm;
	char stamp[24];

	do {
		time_t at = (time_t)at_s++;

		gmtime_r(&at, &tm);
		strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
		if (snprintf(s->kept, sizeof s->kept, "%s/" KEPT "%s", s->dir, stamp) >= (int)sizeof s->kept)
			return -ENAMETOOLONG;
		if (renameat2(AT_FDCWD, fresh, AT_FDCWD, s->kept, RENAME_NOREPLACE) == 0)
			return 0;
	} while (errno == EEXIST);
	return -errno;
}

static void unlock(struct include_swap *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = -1;
}

int include_swap_begin(struct include_swap *s, const char *database, int fd, long long at_s, uint64_t until_us,
                       char *why, size_t why_size)
{
	char fresh[PATH_MAX] = "";
	int r;

	*s = (struct include_swap){.lock_fd = -1};
	r = dir_of(database, s->dir);
	if (r == 0 && snprintf(fresh, sizeof fresh, "%s/" UNPACKING, s->dir) >= (int)sizeof fresh)
		r = -ENAMETOOLONG;
	if (r < 0)
		return say(why, why_size, r, database);
	r = fresh_make(s, fresh, database, fd, until_us);
	if (r == 0)
		r = fresh_name(s, fresh, at_s);
	if (r == 0)
		return 0;
	scratch_remove(fresh);
	s->kept[0] = '\0';
	unlock(s);
	return say(why, why_size, r, fresh);
}

int include_swap_exchange(const struct include_swap *s, char *why, size_t why_size)
{
	int r = s->kept[0] != '\0' ? all_set(s->lock_fd, s->dir, true) : 0;

	return r < 0 ? say(why, why_size, r, s->kept) : 0;
}

void include_swap_end(struct include_swap *s)
{
	if (s->kept[0] != '\0')
		journal_end(s->lock_fd); /* if it stays, the next run finds that there is nothing to do */
	unlock(s);
}

int include_swap_undo(struct include_swap *s, char *why, size_t why_size)
{
	int r = s->kept[0] != '\0' ? all_set(s->lock_fd, s->dir, false) : 0;

	if (r == 0 && s->kept[0] != '\0')
		r = kept_remove(s->dir, s->kept); /* the backup has it */
	unlock(s);
	return r < 0 ? say(why, why_size, r, s->kept) : 0;
}

/* ---- one that was killed ---------------------------------------------------------------------------------- */

/* Whether the database is another file than it was at the beginning. */
static bool is_replaced(int kept_fd, const char *database)
{
	FILE *journal = journal_open(kept_fd);
	unsigned long long inode = 0;
	bool is = journal != NULL && fscanf(journal, "%llu", &inode) == 1 && inode_at(AT_FDCWD, database) != inode;

	if (journal != NULL)
		fclose(journal);
	return is;
}

/* Locked; -errno: who makes it is still at it, or it is not there. */
static int dir_take(const char *path)
{
	int fd = dir_open(path);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

static const char *kept_recover(const char *dir, const char *kept, const char *database)
{
	int fd = dir_take(kept), r;
	bool forward;

	if (fd < 0)
		return NULL;
	if (faccessat(fd, JOURNAL, F_OK, AT_SYMLINK_NOFOLLOW) < 0) { /* of a restore that is long over */
		close(fd);
		return NULL;
	}
	forward = is_replaced(fd, database);
	r = all_set(fd, dir, forward);
	if (r == 0)
		r = forward ? journal_end(fd) : kept_remove(dir, kept);
	close(fd);
	return r < 0     ? "the files that came with it are partly old and partly new, and cannot be exchanged"
	       : forward ? "the files that came with it are all there now"
	                 : "the old files are all there again";
}

static void unpacking_recover(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof path, "%s/" UNPACKING, dir) >= (int)sizeof path)
		return;
	fd = dir_take(path);
	if (fd < 0)
		return;
	scratch_remove(path);
	close(fd);
}

const char *include_swap_recover(const char *database)
{
	char dir[PATH_MAX], kept[PATH_MAX];
	struct dirent **found;
	const char *done = NULL, *one;
	int n;

	if (dir_of(database, dir) < 0)
		return NULL;
	unpacking_recover(dir);
	n = scandir(dir, &found, NULL, NULL);
	for (int i = 0; i < n; i++) {
		one = strncmp(found[i]->d_name, KEPT, strlen(KEPT)) == 0 &&
		              snprintf(kept, sizeof kept, "%s/%s", dir, found[i]->d_name) < (int)sizeof kept
		          ? kept_recover(dir, kept, database)
		          : NULL;
		done = one != NULL ? one : done;
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return done;
}
