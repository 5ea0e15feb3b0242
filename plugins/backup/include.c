/* SPDX-License-Identifier: MIT */
/* See include.h.  Nothing is followed: what is opened is opened below its directory, and no link. */
#include "include.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/due.h"

#define DEPTH_MAX  32
#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

bool include_is_name(const char *name)
{
	return *name != '\0' && *name != '.' && strchr(name, '/') == NULL && strncmp(name, "state.sqlite", 12) != 0 &&
	       strcmp(name, "server-runtime.json") != 0 && strncmp(name, "files.replaced-", 15) != 0;
}

#ifdef HAVE_LIBARCHIVE

#include <archive.h>
#include <archive_entry.h>

/* One pass over all of it: to an archive, or to none, which counts. */
struct pass {
	const struct include *in;
	struct archive *to;
	struct include_facts *facts;
	unsigned depth;
	char buffer[1 << 16];
};

bool include_is_there(void)
{
	return true;
}

static void leave_out(struct pass *p, const char *path, const char *why)
{
	if (p->facts->left_out++ == 0)
		snprintf(p->facts->first, sizeof p->facts->first, "%.140s: %.50s", path, why);
}

static int archive_error(struct archive *a)
{
	int error = archive_errno(a);

	return error > 0 ? -error : -EIO;
}

static int head_write(struct pass *p, const char *path, const struct stat *st)
{
	struct archive_entry *entry = archive_entry_new();
	int r = entry != NULL ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, st->st_mode & S_IFMT);
	archive_entry_set_perm(entry, st->st_mode & 0777);
	archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	if (archive_write_header(p->to, entry) != ARCHIVE_OK)
		r = archive_error(p->to);
	archive_entry_free(entry);
	return r;
}

/* As many bytes as its head said; the archive fills up what is missing. */
static int body_write(struct pass *p, int fd, long long left)
{
	ssize_t n = 1;

	while (left > 0 && n > 0) {
		size_t size = left < (long long)sizeof p->buffer ? (size_t)left : sizeof p->buffer;

		if (is_due(p->in->until_us))
			return -ETIMEDOUT;
		n = read(fd, p->buffer, size);
		if (n > 0 && archive_write_data(p->to, p->buffer, (size_t)n) < 0)
			return archive_error(p->to);
		left -= n > 0 ? n : 0;
	}
	p->facts->changed += left > 0;
	return archive_write_finish_entry(p->to) == ARCHIVE_OK ? 0 : archive_error(p->to);
}

static int file_add(struct pass *p, int fd, const char *path, const struct stat *st)
{
	int r = 0;

	if (st->st_size > p->in->max_bytes - p->facts->bytes) {
		leave_out(p, path, "include_max leaves no room for it");
		return 0;
	}
	if (p->to != NULL)
		r = head_write(p, path, st);
	if (r == 0 && p->to != NULL)
		r = body_write(p, fd, st->st_size);
	p->facts->files++;
	p->facts->bytes += st->st_size;
	return r;
}

static int one_add(struct pass *p, int dir_fd, const char *name, const char *path);

static int entries_add(struct pass *p, DIR *d, const char *path)
{
	char below[PATH_MAX];
	struct dirent *e;
	int r = 0;

	while (r == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(below, sizeof below, "%s/%s", path, e->d_name) < (int)sizeof below)
			r = one_add(p, dirfd(d), e->d_name, below);
		else
			leave_out(p, path, "a name below it is too long");
	}
	return r;
}

/* Takes fd. */
static int dir_add(struct pass *p, int fd, const char *path, const struct stat *st)
{
	int r = p->to != NULL ? head_write(p, path, st) : 0;
	DIR *d = r == 0 ? fdopendir(fd) : NULL;

	if (d == NULL) {
		close(fd);
		return r < 0 ? r : -errno;
	}
	if (p->depth >= DEPTH_MAX) {
		leave_out(p, path, "it is too deep");
	} else {
		p->depth++;
		r = entries_add(p, d, path);
		p->depth--;
	}
	closedir(d);
	return r;
}

/* Of a FIFO, a device or a link nothing is read. */
static int one_add(struct pass *p, int dir_fd, const char *name, const char *path)
{
	struct stat st;
	int fd = openat(dir_fd, name, OPEN_FLAGS), r = 0;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (is_due(p->in->until_us))
		r = -ETIMEDOUT;
	else if (fd < 0)
		leave_out(p, path, errno == ELOOP ? "a symbolic link" : strerror(errno));
	else if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		leave_out(p, path, "neither a file nor a directory");
	else if (S_ISDIR(st.st_mode))
		return dir_add(p, fd, path, &st);
	else
		r = file_add(p, fd, path, &st);
	if (fd >= 0)
		close(fd);
	return r;
}

static int all_add(const struct include *in, struct archive *to, struct include_facts *facts)
{
	struct pass *p = calloc(1, sizeof *p);
	int r = p != NULL ? 0 : -ENOMEM;

	*facts = (struct include_facts){0};
	if (r == 0)
		*p = (struct pass){.in = in, .to = to, .facts = facts};
	for (size_t i = 0; r == 0 && in->names[i] != NULL; i++)
		r = one_add(p, in->dir_fd, in->names[i], in->names[i]);
	free(p);
	return r;
}

long long include_bytes(const struct include *in)
{
	struct include_facts facts;

	all_add(in, NULL, &facts);
	return facts.bytes;
}

int include_pack(const struct include *in, int fd, struct include_facts *facts)
{
	struct archive *to = archive_write_new();
	int r = to != NULL ? 0 : -ENOMEM;

	if (r == 0 && (archive_write_set_format_pax_restricted(to) != ARCHIVE_OK ||
	               archive_write_open_fd(to, fd) != ARCHIVE_OK))
		r = archive_error(to);
	if (r == 0)
		r = all_add(in, to, facts);
	if (to != NULL && archive_write_close(to) != ARCHIVE_OK && r == 0)
		r = archive_error(to);
	archive_write_free(to);
	return r;
}

/* ---- out of it --------------------------------------------------------------------------------------------- */

/* "attachments/a.png": no way out of where it is put. */
static bool is_inside(const char *path)
{
	char part[NAME_MAX + 1];
	size_t len;

	if (path == NULL)
		return false;
	for (; *path != '\0'; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		if (len == 0 || len >= sizeof part)
			return false;
		snprintf(part, sizeof part, "%.*s", (int)len, path);
		if (strcmp(part, "..") == 0 || strcmp(part, ".") == 0)
			return false;
	}
	return true;
}

static int entry_take(struct archive *from, struct archive *to, struct archive_entry *entry, const char *dir)
{
	char path[PATH_MAX];
	const char *name = archive_entry_pathname(entry);
	int type = archive_entry_filetype(entry), r;

	if (!is_inside(name) || (type != AE_IFREG && type != AE_IFDIR) || archive_entry_hardlink(entry) != NULL)
		return -EBADMSG;
	if (to == NULL)
		return archive_read_data_skip(from) == ARCHIVE_OK ? 0 : -EBADMSG;
	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	archive_entry_set_pathname(entry, path);
	r = archive_read_extract2(from, entry, to);
	return r == ARCHIVE_OK ? 0 : archive_errno(from) > 0 ? -archive_errno(from) : -EBADMSG;
}

static int entries_take(struct archive *from, struct archive *to, const char *dir, uint64_t until_us)
{
	struct archive_entry *entry;
	int found, r = 0;

	while (r == 0 && (found = archive_read_next_header(from, &entry)) != ARCHIVE_EOF) {
		if (found != ARCHIVE_OK)
			return -EBADMSG;
		r = is_due(until_us) ? -ETIMEDOUT : entry_take(from, to, entry, dir);
	}
	return r;
}

static struct archive *disk_open(void)
{
	struct archive *to = archive_write_disk_new();

	if (to != NULL)
		archive_write_disk_set_options(to, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
		                                       ARCHIVE_EXTRACT_SECURE_SYMLINKS |
		                                       ARCHIVE_EXTRACT_SECURE_NODOTDOT);
	return to;
}

int include_unpack(int fd, const char *to, uint64_t until_us)
{
	struct archive *from = archive_read_new(), *disk = to != NULL ? disk_open() : NULL;
	int r = from != NULL && (to == NULL || disk != NULL) ? 0 : -ENOMEM;

	if (r == 0 && (archive_read_support_format_tar(from) != ARCHIVE_OK ||
	               archive_read_open_fd(from, fd, 1 << 16) != ARCHIVE_OK))
		r = -EBADMSG;
	if (r == 0)
		r = entries_take(from, disk, to, until_us);
	if (disk != NULL && archive_write_close(disk) != ARCHIVE_OK && r == 0)
		r = archive_error(disk);
	archive_write_free(disk);
	archive_read_free(from);
	return r;
}

#else

bool include_is_there(void)
{
	return false;
}

long long include_bytes(const struct include *in)
{
	(void)in;
	return 0;
}

int include_pack(const struct include *in, int fd, struct include_facts *facts)
{
	(void)in, (void)fd, (void)facts;
	return -ENOTSUP;
}

int include_unpack(int fd, const char *to, uint64_t until_us)
{
	(void)fd, (void)to, (void)until_us;
	return -ENOTSUP;
}

#endif
