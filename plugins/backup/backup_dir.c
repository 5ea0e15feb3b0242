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
#define FILES   PARTIAL ".files"

/* What a file is called on its way to its name. */
struct stages {
	const char *raw, *packed, *crypted;
};

static const struct stages of_database = {PARTIAL, PARTIAL ".zst", PARTIAL ".enc"},
                           of_files = {FILES, FILES ".zst", FILES ".enc"};

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

static int is_archive(const struct dirent *e)
{
	return strncmp(e->d_name, "state-", 6) == 0 && strstr(e->d_name, ".files.tar") != NULL;
}

static bool is_known(const struct manifest *m, const char *archive)
{
	char name[BACKUP_NAME_SIZE];

	for (size_t i = 0; i < m->n; i++) {
		backup_files_name(name, m->rows[i].file);
		if (strcmp(name, archive) == 0)
			return true;
	}
	return false;
}

/* Of a run that was killed before its backup had a name, or between the removal of the two. */
static void orphans_remove(const struct backup_dir *s)
{
	struct dirent **found;
	int n = scandirat(s->fd, ".", &found, is_archive, NULL);

	for (int i = 0; i < n; i++) {
		if (!is_known(&s->manifest, found[i]->d_name))
			unlinkat(s->fd, found[i]->d_name, 0);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

static int manifest_open(struct backup_dir *s, char *why, size_t why_size)
{
	int r = manifest_read(s->fd, &s->manifest);

	if (r < 0)
		snprintf(why, why_size, "the manifest of %s: %s", s->path, strerror(-r));
	else
		orphans_remove(s);
	return r;
}

int backup_dir_open(struct backup_dir *s, const char *base, const char *user, char *why, size_t why_size)
{
	int r = path_join(s->path, base, user);

	s->fd = -1;
	s->manifest = (struct manifest){0};
	s->key = NULL;
	if (r == 0)
		r = path_join(s->partial, s->path, PARTIAL);
	if (r == 0)
		r = path_join(s->files, s->path, FILES);
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

/* From one file of the directory to a new one. */
struct conversion {
	int from, to;
};

static int conversion_open(const struct backup_dir *s, const char *from, const char *to, struct conversion *c)
{
	c->from = openat(s->fd, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	c->to = c->from >= 0 ? new_open(s, to) : -1;
	return c->to >= 0 ? 0 : -errno;
}

static int conversion_close(const struct conversion *c, int r)
{
	if (c->from >= 0)
		close(c->from);
	if (c->to >= 0)
		close(c->to);
	return r;
}

/* What was written is what will be read. */
static int packed_check(int fd, const char *inner, uint64_t until_us)
{
	char digest[DIGEST_SIZE];
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : unpack(fd, -1, until_us, digest);

	return r == 0 && strcmp(digest, inner) != 0 ? -EBADMSG : r;
}

/* What it is made of goes: there need not be room for more than two of them. */
static int partial_pack(const struct backup_dir *s, const struct stages *st, int level, uint64_t until_us)
{
	char digest[DIGEST_SIZE];
	struct conversion c;
	int r = conversion_open(s, st->raw, st->packed, &c);

	if (r == 0)
		r = pack(c.from, c.to, level, until_us, digest);
	if (r == 0)
		r = packed_check(c.to, digest, until_us);
	if (r == 0)
		unlinkat(s->fd, st->raw, 0);
	return conversion_close(&c, r);
}

static int partial_encrypt(const struct backup_dir *s, const char *from, const char *to, uint64_t until_us)
{
	struct conversion c;
	int r = conversion_open(s, from, to, &c);

	if (r == 0)
		r = encrypt_file(c.from, c.to, s->key, until_us);
	if (r == 0)
		r = lseek(c.to, 0, SEEK_SET) < 0 ? -errno : decrypt_file(c.to, -1, s->key, until_us);
	if (r == 0)
		unlinkat(s->fd, from, 0);
	return conversion_close(&c, r);
}

static int partial_know(const struct backup_dir *s, struct backup_row *row, uint64_t until_us)
{
	int fd = openat(s->fd, PARTIAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = fd < 0 ? -errno : 0;
	struct stat st = {0};

	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (row->sha256[0] != '\0')
		snprintf(row->database_sha256, sizeof row->database_sha256, "%s", row->sha256);
	else if (r == 0)
		r = digest_file(fd, until_us, row->database_sha256);
	row->database_bytes = st.st_size;
	if (fd >= 0)
		close(fd);
	return r;
}

/* As it will be kept; *made: its name. */
static int partial_convert(const struct backup_dir *s, const struct stages *st, int level, uint64_t until_us,
                           const char **made)
{
	int r = 0;

	*made = st->raw;
	if (level > 0) {
		r = partial_pack(s, st, level, until_us);
		*made = st->packed;
	}
	if (r == 0 && s->key != NULL) {
		r = partial_encrypt(s, *made, st->crypted, until_us);
		*made = st->crypted;
	}
	return r;
}

/* VACUUM INTO does not sync. */
static int partial_seal(const struct backup_dir *s, const char *name, char sha256[DIGEST_SIZE], long long *bytes,
                        uint64_t until_us)
{
	int fd = openat(s->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = fchmod(fd, 0600) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0) {
		*bytes = st.st_size;
		if (sha256[0] == '\0')
			r = digest_file(fd, until_us, sha256);
	}
	close(fd);
	return r;
}

/* The first second from its own on whose name is free. */
static void name_choose(const struct backup_dir *s, struct backup_row *row, bool packed)
{
	for (;; row->at_s++) {
		backup_name(row->file, row->at_s, row->reason, packed, s->key != NULL);
		if (faccessat(s->fd, row->file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return;
	}
}

/* *made: the name of the archive; NULL: there is none. */
static int files_prepare(const struct backup_dir *s, struct backup_row *row, int level, uint64_t until_us,
                         const char **made)
{
	int r;

	*made = NULL;
	if (faccessat(s->fd, FILES, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = partial_convert(s, &of_files, level, until_us, made);
	return r == 0 ? partial_seal(s, *made, row->files_sha256, &row->files_bytes, until_us) : r;
}

static int database_prepare(const struct backup_dir *s, struct backup_row *row, int level, uint64_t until_us,
                            const char **made)
{
	int r = level > 0 || s->key != NULL ? partial_know(s, row, until_us) : 0;

	if (r == 0)
		r = partial_convert(s, &of_database, level, until_us, made);
	if (r == 0 && *made != of_database.raw)
		row->sha256[0] = '\0'; /* of the copy, not of what it became */
	return r == 0 ? partial_seal(s, *made, row->sha256, &row->bytes, until_us) : r;
}

/* The archive first: one without its backup is removed, a backup never misses its own. */
static int both_name(const struct backup_dir *s, const struct backup_row *row, const char *made,
                     const char *files_made)
{
	char name[BACKUP_NAME_SIZE];

	backup_files_name(name, row->file);
	if (files_made != NULL && renameat(s->fd, files_made, s->fd, name) < 0)
		return -errno;
	return renameat(s->fd, made, s->fd, row->file) < 0 || fsync(s->fd) < 0 ? -errno : 0;
}

int backup_dir_put(struct backup_dir *s, struct backup_row *row, int level, uint64_t until_us)
{
	const char *made, *files_made;
	int r = files_prepare(s, row, level, until_us, &files_made);

	if (r == 0)
		r = database_prepare(s, row, level, until_us, &made);
	if (r < 0)
		return r;
	name_choose(s, row, level > 0);
	row->verified_s = row->at_s;
	r = both_name(s, row, made, files_made);
	if (r == 0)
		r = manifest_add(&s->manifest, row);
	if (r == 0) {
		row->rows = NULL;
		r = manifest_write(s->fd, &s->manifest);
	}
	return r;
}

/* ---- out of it --------------------------------------------------------------------------------------- */

static int file_unpack(const struct backup_dir *s, const char *from, const char *to, uint64_t until_us)
{
	char digest[DIGEST_SIZE];
	struct conversion c;
	int r = conversion_open(s, from, to, &c);

	return conversion_close(&c, r == 0 ? unpack(c.from, c.to, until_us, digest) : r);
}

static int file_decrypt(const struct backup_dir *s, const char *from, const char *to, uint64_t until_us)
{
	struct conversion c;
	int r = conversion_open(s, from, to, &c);

	return conversion_close(&c, r == 0 ? decrypt_file(c.from, c.to, s->key, until_us) : r);
}

static int out_say(const struct backup_row *row, int error, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", row->file,
	         error == -ENOTSUP        ? "this build of t3ops lacks zstd or libsodium"
	         : error == -EKEYREJECTED ? "it was encrypted with another key"
	         : error == -EBADMSG      ? what
	                                  : strerror(-error));
	return error;
}

/* As st->raw, whatever it takes. */
static int file_convert(const struct backup_dir *s, const struct backup_row *row, const struct stages *st,
                        const char *stored, uint64_t until_us, char *why, size_t why_size)
{
	bool packed = backup_is_packed(row->file), encrypted = backup_is_encrypted(row->file);
	int r = 0;

	if (encrypted && s->key == NULL) {
		snprintf(why, why_size, "%s: it is encrypted, and the option encrypt_key names no file", row->file);
		return -ENOKEY;
	}
	if (encrypted)
		r = file_decrypt(s, stored, packed ? st->packed : st->raw, until_us);
	if (r < 0)
		return out_say(row, r, "it is damaged, and cannot be decrypted", why, why_size);
	if (packed)
		r = file_unpack(s, encrypted ? st->packed : stored, st->raw, until_us);
	return r < 0 ? out_say(row, r, "it is damaged, and cannot be unpacked", why, why_size) : 0;
}

static int partial_compare(const struct backup_dir *s, const struct backup_row *row, uint64_t until_us, char *why,
                           size_t why_size)
{
	struct backup_row found = {.file = ""};
	int r = partial_know(s, &found, until_us);

	if (r < 0)
		return out_say(row, r, "", why, why_size);
	if (row->database_sha256[0] != '\0' && strcmp(row->database_sha256, found.database_sha256) != 0)
		return out_say(row, -EBADMSG, "the SHA-256 of the database in it is not what it was", why, why_size);
	return 0;
}

int backup_dir_database(struct backup_dir *s, const struct backup_row *row, const char *stored, uint64_t until_us,
                        char path[PATH_MAX], char *why, size_t why_size)
{
	int r;

	if (!backup_is_packed(row->file) && !backup_is_encrypted(row->file))
		return path_join(path, s->path, stored);
	r = file_convert(s, row, &of_database, stored, until_us, why, why_size);
	if (r == 0)
		r = partial_compare(s, row, until_us, why, why_size);
	return r == 0 ? path_join(path, s->path, PARTIAL) : r;
}

static int archive_compare(const struct backup_dir *s, const struct backup_row *row, const char *stored,
                           uint64_t until_us, char *why, size_t why_size)
{
	int fd = openat(s->fd, stored, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
	char digest[DIGEST_SIZE];

	if (fd < 0)
		return out_say(row, errno == ENOENT ? -EBADMSG : -errno, "the archive of its other files is gone",
		               why, why_size);
	r = digest_file(fd, until_us, digest);
	close(fd);
	if (r == 0 && strcmp(digest, row->files_sha256) != 0)
		r = -EBADMSG;
	return r < 0 ? out_say(row, r, "the SHA-256 of the archive of its other files is not what it was", why,
	                       why_size)
	             : 0;
}

int backup_dir_files(struct backup_dir *s, const struct backup_row *row, const char *stored, uint64_t until_us,
                     char *why, size_t why_size)
{
	bool converted = backup_is_packed(row->file) || backup_is_encrypted(row->file);
	int fd, r = archive_compare(s, row, stored, until_us, why, why_size);

	if (r == 0 && converted)
		r = file_convert(s, row, &of_files, stored, until_us, why, why_size);
	if (r < 0)
		return r;
	fd = openat(s->fd, converted ? FILES : stored, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : out_say(row, -errno, "", why, why_size);
}

const char *backup_row_digest(const struct backup_row *row)
{
	return backup_is_packed(row->file) || backup_is_encrypted(row->file) ? row->database_sha256 : row->sha256;
}

/* ---- what stays ---------------------------------------------------------------------------------------- */

/* Removes row i; what cannot be removed stays in the manifest. */
static void row_remove(struct backup_dir *s, size_t i, struct backup_kept *kept)
{
	char files[BACKUP_NAME_SIZE];

	backup_files_name(files, s->manifest.rows[i].file);
	if (unlinkat(s->fd, s->manifest.rows[i].file, 0) < 0 && errno != ENOENT) {
		kept->error = kept->error != 0 ? kept->error : -errno;
		return;
	}
	unlinkat(s->fd, files, 0);
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
