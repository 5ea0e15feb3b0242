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

#define PARTIAL ".state.partial" /* SQLite may add -journal */

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

void backup_dir_close(struct backup_dir *s)
{
	if (s->fd < 0)
		return;
	sweep(s);
	manifest_fini(&s->manifest);
	close(s->fd);
	s->fd = -1;
}

/* VACUUM INTO does not sync. */
static int partial_seal(const struct backup_dir *s, struct backup_row *row, uint64_t until_us)
{
	int fd = openat(s->fd, PARTIAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
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
static void name_choose(const struct backup_dir *s, struct backup_row *row)
{
	for (;; row->at_s++) {
		backup_name(row->file, row->at_s, row->reason);
		if (faccessat(s->fd, row->file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return;
	}
}

int backup_dir_put(struct backup_dir *s, struct backup_row *row, uint64_t until_us)
{
	int r = partial_seal(s, row, until_us);

	if (r < 0)
		return r;
	name_choose(s, row);
	row->verified_s = row->at_s;
	if (renameat(s->fd, PARTIAL, s->fd, row->file) < 0 || fsync(s->fd) < 0)
		return -errno;
	r = manifest_add(&s->manifest, row);
	if (r == 0) {
		row->rows = NULL;
		r = manifest_write(s->fd, &s->manifest);
	}
	return r;
}

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
