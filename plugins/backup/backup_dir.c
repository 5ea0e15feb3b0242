/* SPDX-License-Identifier: MIT */
/* The directory of backups; see backup_dir.h.  Touches only names that it could have made itself. */
#include "backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "pack.h"

#define PARTIAL ".state.partial" /* SQLite may add -journal */
#define PACKED  PARTIAL ".zst"

static int is_leaving(const struct dirent *e)
{
	return strncmp(e->d_name, PARTIAL, strlen(PARTIAL)) == 0;
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

static int manifest_open(struct backup_dir *s, char *why, size_t why_size)
{
	int r = manifest_read(s->fd, &s->manifest);

	if (r < 0)
		snprintf(why, why_size, "the manifest of %s: %s", s->path, strerror(-r));
	return r;
}

int backup_dir_open(struct backup_dir *s, const char *base, const char *user, char *why, size_t why_size)
{
	int r = path_join(s->path, base, user);

	s->fd = -1;
	s->manifest = (struct manifest){0};
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
	return manifest_open(s, why, why_size);
}

int backup_dir_writable(const struct backup_dir *s, char *why, size_t why_size)
{
	int error = faccessat(s->fd, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;

	if (error < 0)
		snprintf(why, why_size, "directory %s: %s", s->path, strerror(-error));
	return error;
}

void backup_dir_close(struct backup_dir *s)
{
	if (s->fd < 0)
		return;
	sweep(s);
	manifest_fini(&s->manifest);
	close(s->fd);
	s->fd = -1;
}

static int new_open(const struct backup_dir *s, const char *name)
{
	unlinkat(s->fd, name, 0);
	return openat(s->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* What was written is what will be read. */
static int packed_check(int fd, const struct backup_row *row, uint64_t until_us)
{
	char digest[DIGEST_SIZE];
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : unpack(fd, -1, until_us, digest);

	return r == 0 && strcmp(digest, row->database_sha256) != 0 ? -EBADMSG : r;
}

static int partial_pack(const struct backup_dir *s, struct backup_row *row, int level, uint64_t until_us)
{
	int from = openat(s->fd, PARTIAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = new_open(s, PACKED), r = 0;
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		r = -errno;
	if (r == 0) {
		row->database_bytes = st.st_size;
		r = pack(from, to, level, until_us, row->database_sha256);
	}
	if (r == 0)
		r = packed_check(to, row, until_us);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return r;
}

/* VACUUM INTO does not sync. */
static int partial_seal(const struct backup_dir *s, const char *name, struct backup_row *row, uint64_t until_us)
{
	int fd = openat(s->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = fchmod(fd, 0600) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0) {
		row->bytes = st.st_size;
		r = digest_file(fd, until_us, row->sha256);
	}
	close(fd);
	return r;
}

/* The first second from its own on whose name is free. */
static void name_choose(const struct backup_dir *s, struct backup_row *row, bool packed)
{
	for (;; row->at_s++) {
		backup_name(row->file, row->at_s, row->reason, packed);
		if (faccessat(s->fd, row->file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return;
	}
}

int backup_dir_put(struct backup_dir *s, struct backup_row *row, int level, uint64_t until_us)
{
	const char *made = level > 0 ? PACKED : PARTIAL;
	int r = level > 0 ? partial_pack(s, row, level, until_us) : 0;

	if (r == 0)
		r = partial_seal(s, made, row, until_us);
	if (r < 0)
		return r;
	name_choose(s, row, level > 0);
	row->verified_s = row->at_s;
	if (renameat(s->fd, made, s->fd, row->file) < 0 || fsync(s->fd) < 0)
		return -errno;
	r = manifest_add(&s->manifest, row);
	if (r == 0) {
		row->rows = NULL;
		r = manifest_write(s->fd, &s->manifest);
	}
	return r;
}

/* ---- out of it --------------------------------------------------------------------------------------- */

static int file_unpack(struct backup_dir *s, const char *stored, uint64_t until_us, char digest[DIGEST_SIZE])
{
	int from = openat(s->fd, stored, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = new_open(s, PARTIAL), r = 0;

	if (from < 0 || to < 0)
		r = -errno;
	if (r == 0)
		r = unpack(from, to, until_us, digest);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return r;
}

static const char *unpack_error(int error)
{
	return error == -ENOTSUP   ? "this build of t3ops has no zstd"
	       : error == -EBADMSG ? "it is damaged, and cannot be unpacked"
	                           : strerror(-error);
}

int backup_dir_database(struct backup_dir *s, const struct backup_row *row, const char *stored, uint64_t until_us,
                        char path[PATH_MAX], char *why, size_t why_size)
{
	char digest[DIGEST_SIZE] = "";
	int r;

	if (!backup_is_packed(row->file))
		return path_join(path, s->path, stored);
	r = file_unpack(s, stored, until_us, digest);
	if (r < 0) {
		snprintf(why, why_size, "%s: %s", row->file, unpack_error(r));
		return r;
	}
	if (row->database_sha256[0] != '\0' && strcmp(row->database_sha256, digest) != 0) {
		snprintf(why, why_size, "%s: the SHA-256 of the database in it is not what it was", row->file);
		return -EBADMSG;
	}
	return path_join(path, s->path, PARTIAL);
}

const char *backup_row_digest(const struct backup_row *row)
{
	return backup_is_packed(row->file) ? row->database_sha256 : row->sha256;
}

/* ---- what stays ---------------------------------------------------------------------------------------- */

/* Removes row i; what cannot be removed stays in the manifest. */
static void row_remove(struct backup_dir *s, size_t i, struct backup_kept *kept)
{
	if (unlinkat(s->fd, s->manifest.rows[i].file, 0) < 0 && errno != ENOENT) {
		kept->error = kept->error != 0 ? kept->error : -errno;
		return;
	}
	manifest_remove(&s->manifest, i);
}

int backup_dir_keep(struct backup_dir *s, const struct retention *r, const char *made, long long now_s,
                    struct backup_kept *kept)
{
	enum retention_fate *fates = calloc(s->manifest.n + 1, sizeof *fates);

	*kept = (struct backup_kept){0};
	if (fates == NULL)
		return -ENOMEM;
	kept->bytes = retention_decide(&s->manifest, r, made, now_s, fates);
	for (size_t i = s->manifest.n; i-- > 0;) {
		kept->over_budget += fates[i] == RETENTION_BUDGET;
		if (fates[i] != RETENTION_STAYS)
			row_remove(s, i, kept);
	}
	free(fates);
	kept->n = s->manifest.n;
	return manifest_write(s->fd, &s->manifest);
}
