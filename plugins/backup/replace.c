/* SPDX-License-Identifier: MIT */
/* Swapping databases; see replace.h. */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/database_lock.h"
#include "common/due.h"
#include "digest.h"

#define CHUNK   (256u << 10)
#define FRESH   ".replacing"
#define N_SIDES (sizeof sides / sizeof sides[0])

/* What SQLite plays into whatever database it lies beside. */
static const char *const sides[] = {"-wal", "-journal"};

static int say(char *why, size_t size, int error, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int say(char *why, size_t size, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return error;
}

/* "PATH SUFFIX" */
static bool beside(char out[PATH_MAX], const char *path, const char *suffix)
{
	return snprintf(out, PATH_MAX, "%s%s", path, suffix) < PATH_MAX;
}

static int dir_sync(const char *database)
{
	char dir[PATH_MAX];
	int fd, r = 0;

	snprintf(dir, sizeof dir, "%s", database);
	if (strrchr(dir, '/') != NULL)
		*strrchr(dir, '/') = '\0';
	fd = open(dir[0] != '\0' ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- the new one ------------------------------------------------------------------------------------- */

static int bytes_copy(int to, int from, uint64_t until_us)
{
	off_t in = 0, out = 0;
	struct stat st;
	ssize_t n;

	if (fstat(from, &st) < 0)
		return -errno;
	while (in < st.st_size) {
		n = copy_file_range(from, &in, to, &out, CHUNK, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* it became shorter */
		if (is_due(until_us))
			return -ETIMEDOUT;
	}
	return fsync(to) < 0 ? -errno : 0;
}

/* One that was left behind goes; false: who makes it is still at it.  It may be a second name of the old database, so
 * it is never written to. */
static bool new_remove(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool is_free = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;

	if (is_free)
		unlink(path);
	if (fd >= 0)
		close(fd);
	return is_free;
}

/* *fd holds a lock on it for as long as it is open. */
static int new_begin(const char *path, int *fd)
{
	if (!new_remove(path))
		return -EBUSY;
	*fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* A copy at `path`, with the digest that it must have. */
static int new_make(const char *path, int backup_fd, const char *sha256, mode_t mode, uint64_t until_us, int *fd,
                    char *why, size_t size)
{
	char digest[DIGEST_SIZE];
	int r = new_begin(path, fd);

	if (r == 0)
		r = bytes_copy(*fd, backup_fd, until_us);
	if (r == 0 && fchmod(*fd, mode) < 0)
		r = -errno;
	if (r == 0)
		r = digest_file(*fd, until_us, digest);
	if (r < 0)
		return say(why, size, r, "%s: %s", path, strerror(-r));
	if (*sha256 != '\0' && strcmp(digest, sha256) != 0)
		return say(why, size, -EBADMSG, "the backup is not what it was: its SHA-256 differs");
	return 0;
}

/* ---- the old one --------------------------------------------------------------------------------------- */

static bool is_filled(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* Whether SQLite can read it: of a file that is no database, or empty, it would remove the -wal file on closing. */
static bool is_readable(const char *database)
{
	sqlite3 *db = NULL;
	bool is = is_filled(database) && sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	          sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK;

	sqlite3_close(db);
	return is;
}

/* What the -wal file holds goes into the database.  A damaged one keeps both. */
static void wal_checkpoint(const char *database)
{
	sqlite3 *db = NULL;

	if (!is_readable(database))
		return;
	if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
		sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	sqlite3_close(db); /* the last connection removes the -wal file */
}

/* A second name for DATABASE SUFFIX: KEPT SUFFIX, of the first second from at_s on whose name is free. */
static int kept_link(struct replacement *r, const char *suffix, long long at_s)
{
	char stamp[40], from[PATH_MAX], to[PATH_MAX];
	struct tm tm;
	time_t at;

	do {
		at = (time_t)at_s++;
		gmtime_r(&at, &tm);
		strftime(stamp, sizeof stamp, ".replaced-%Y%m%dT%H%M%SZ", &tm);
		if (!beside(r->kept, r->database, stamp) || !beside(from, r->database, suffix) ||
		    !beside(to, r->kept, suffix))
			return -ENAMETOOLONG;
		if (link(from, to) == 0)
			return 0;
	} while (errno == EEXIST);
	return -errno;
}

static bool is_side_filled(const char *database, const char *side)
{
	char path[PATH_MAX];

	return beside(path, database, side) && is_filled(path);
}

static int side_keep(const struct replacement *r, const char *side)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!beside(from, r->database, side) || !beside(to, r->kept, side))
		return -ENAMETOOLONG;
	return is_filled(from) && link(from, to) < 0 ? -errno : 0;
}

/* A second name for it, and for what belongs to it. */
static int old_keep(struct replacement *r, long long at_s)
{
	int error = kept_link(r, "", at_s);

	for (size_t i = 0; error == 0 && i < N_SIDES; i++)
		error = side_keep(r, sides[i]);
	return error == 0 ? dir_sync(r->database) : error;
}

/* Of a database that is gone; nothing can be put back then. */
static int sides_keep(struct replacement *r, long long at_s)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < N_SIDES; i++)
		if (is_side_filled(r->database, sides[i]))
			error = kept_link(r, sides[i], at_s);
	r->kept[0] = '\0';
	return error == 0 ? dir_sync(r->database) : error;
}

static void leftovers_remove(const char *database)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < N_SIDES; i++)
		if (beside(path, database, sides[i]))
			unlink(path);
	if (beside(path, database, "-shm"))
		unlink(path);
}

/* Locked against everybody; *fd holds the lock.  What was there before is kept. */
static int old_put_aside(struct replacement *r, long long at_s, int *fd, char *why, size_t size)
{
	struct flock lock = database_lock_range(F_WRLCK);
	int error;

	*fd = open(r->database, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0) {
		error = errno == ENOENT ? sides_keep(r, at_s) : -errno;
		return error < 0 ? say(why, size, error, "%s: %s", r->database, strerror(-error)) : 0;
	}
	if (fcntl(*fd, F_OFD_SETLK, &lock) < 0 || database_opener(r->database) != 0)
		return say(why, size, -EBUSY, "%s: a program has it open", r->database);
	error = old_keep(r, at_s);
	if (error < 0)
		return say(why, size, error, "%s cannot be kept as %s: %s", r->database, r->kept, strerror(-error));
	return 0;
}

/* ---- a replacement that was killed -------------------------------------------------------------------- */

/* Whether `kept` is a second name of the database, which it is until the new one gets the first. */
static bool is_same(const char *database, const char *kept)
{
	struct stat a, b;

	return lstat(database, &a) == 0 && lstat(kept, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* It has its first name again, unless a program has begun anew. */
static bool side_restore(const char *database, const char *kept, const char *side)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!beside(from, kept, side) || !beside(to, database, side))
		return false;
	return link(from, to) == 0 || errno == ENOENT || is_same(from, to);
}

/* What belongs to it is beside it again, and the second names go. */
static void old_restore(const char *database, const char *kept)
{
	char path[PATH_MAX];

	if (database_opener(database) != 0)
		return; /* then they stay for a person to look at */
	for (size_t i = 0; i < N_SIDES; i++)
		if (!side_restore(database, kept, sides[i]))
			return;
	dir_sync(database);
	for (size_t i = 0; i < N_SIDES; i++)
		if (beside(path, kept, sides[i]))
			unlink(path);
	unlink(kept);
}

void replace_recover(const char *database)
{
	char pattern[PATH_MAX], fresh[PATH_MAX];
	glob_t found;

	if (!beside(pattern, database, ".replaced-*Z") || !beside(fresh, database, FRESH))
		return;
	if (!new_remove(fresh))
		return;
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (is_same(database, found.gl_pathv[i]))
				old_restore(database, found.gl_pathv[i]);
	globfree(&found);
}

/* ---- the two -------------------------------------------------------------------------------------------- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 0777 : 0600;
}

static int swap(const char *database, const char *fresh, char *why, size_t size)
{
	int r;

	leftovers_remove(database); /* of the old one: SQLite would play them into the new one */
	r = rename(fresh, database) < 0 ? -errno : dir_sync(database);
	return r < 0 ? say(why, size, r, "%s: %s", database, strerror(-r)) : 0;
}

int replace_database(struct replacement *r, const char *database, int backup_fd, const char *sha256, long long at_s,
                     uint64_t until_us, char *why, size_t why_size)
{
	char fresh[PATH_MAX];
	int lock_fd = -1, fresh_fd = -1, error;

	*r = (struct replacement){.database = database};
	if (!beside(fresh, database, FRESH))
		return say(why, why_size, -ENAMETOOLONG, "%s: its name is too long", database);
	error = new_make(fresh, backup_fd, sha256, mode_of(database), until_us, &fresh_fd, why, why_size);
	if (error == 0) {
		if (database_user(database) == 0)
			wal_checkpoint(database);
		error = old_put_aside(r, at_s, &lock_fd, why, why_size);
	}
	if (error == 0)
		error = swap(database, fresh, why, why_size);
	if (fresh_fd >= 0)
		close(fresh_fd);
	if (error < 0)
		replace_recover(database);
	if (lock_fd >= 0)
		close(lock_fd);
	return error;
}

int replace_undo(const struct replacement *r, char *why, size_t why_size)
{
	char again[PATH_MAX];
	int error;

	if (r->kept[0] == '\0')
		return say(why, why_size, -ENOENT, "there was no database before");
	leftovers_remove(r->database);
	/* by a third name: whoever finds two of them knows that this was in progress */
	error = !beside(again, r->database, FRESH)                           ? -ENAMETOOLONG
	        : link(r->kept, again) < 0 || rename(again, r->database) < 0 ? -errno
	                                                                     : dir_sync(r->database);
	replace_recover(r->database);
	return error < 0 ? say(why, why_size, error, "%s cannot be put back: %s", r->kept, strerror(-error)) : 0;
}
