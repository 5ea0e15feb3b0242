/* SPDX-License-Identifier: MIT */
/* See scratch.h. */
#include "common/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_BYTES (1 << 20) /* settings and keys; what is larger is somebody's data */

static int join(char out[PATH_MAX], const char *a, const char *b)
{
	return snprintf(out, PATH_MAX, "%s/%s", a, b) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static int bytes_copy(int from, int to)
{
	ssize_t n;

	while ((n = copy_file_range(from, NULL, to, NULL, 1 << 24, 0)) > 0)
		;
	if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS)) {
		char buffer[65536];

		while ((n = read(from, buffer, sizeof buffer)) > 0)
			if (write(to, buffer, (size_t)n) != n)
				return errno != 0 ? -errno : -ENOSPC;
	}
	return n < 0 || fsync(to) < 0 ? -errno : 0;
}

int file_copy(const char *from, const char *to, long long most_bytes)
{
	int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), out, r;
	struct stat st;

	if (in < 0)
		return -errno;
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode) || (most_bytes > 0 && st.st_size > most_bytes)) {
		close(in);
		return -EFBIG;
	}
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, st.st_mode & 0700);
	r = out < 0 ? -errno : bytes_copy(in, out);
	close(in);
	if (out >= 0)
		close(out);
	return r;
}

int file_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

int dir_sync_of(const char *path)
{
	char dir[PATH_MAX];
	char *slash;

	snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = '\0';
	return file_sync(dir);
}

static bool is_wanted(const char *name)
{
	return name[0] != '.' && strncmp(name, "state.sqlite", 12) != 0 && strcmp(name, "server-runtime.json") != 0;
}

/* The small regular files of one directory. */
static int files_copy(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];
	DIR *d = opendir(from);
	struct dirent *entry;
	int r = 0;

	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		r = -errno;
	while (d != NULL && r == 0 && (entry = readdir(d)) != NULL) {
		if (!is_wanted(entry->d_name) || join(a, from, entry->d_name) < 0 || join(b, to, entry->d_name) < 0)
			continue;
		r = file_copy(a, b, SMALL_BYTES);
		if (r == -EFBIG || r == -ELOOP || r == -EACCES) /* no file, or none that a server needs to start */
			r = 0;
	}
	if (d != NULL)
		closedir(d);
	return r;
}

static int base_make(const struct scratch *s, const char *base_dir)
{
	static const char *const dirs[] = {"userdata", "userdata/secrets"};
	char from[PATH_MAX], to[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof dirs / sizeof dirs[0]; i++) {
		r = join(from, base_dir, dirs[i]);
		if (r == 0)
			r = join(to, s->base, dirs[i]);
		if (r == 0)
			r = files_copy(from, to);
	}
	return r;
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

int scratch_make(struct scratch *s, const char *dir, const char *name, const char *base_dir, const char *database)
{
	char arm[PATH_MAX];
	int r = join(arm, dir, name);

	if (r == 0)
		r = join(s->base, arm, "t3");
	if (r == 0)
		r = join(s->link, arm, "link");
	if (r == 0)
		r = join(s->database, s->base, "userdata/state.sqlite");
	if (r < 0)
		return r;
	if (mkdir(arm, 0700) < 0 || mkdir(s->base, 0700) < 0 || mkdir(s->link, 0700) < 0)
		return -errno;
	r = base_make(s, base_dir);
	return r < 0 ? r : file_copy(database, s->database, 0);
}

int scratch_link(const struct scratch *s, const char *prefix)
{
	char path[PATH_MAX];
	int r = join(path, s->link, "current");

	if (r < 0)
		return r;
	unlink(path);
	return symlink(prefix, path) < 0 ? -errno : 0;
}

static int on_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	remove(path);
	return 0;
}

void scratch_remove(const char *dir)
{
	nftw(dir, on_entry, 16, FTW_DEPTH | FTW_PHYS);
}
