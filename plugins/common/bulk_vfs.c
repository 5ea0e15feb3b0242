/* SPDX-License-Identifier: MIT */
/* Gathered writes of a file that SQLite makes; see bulk_vfs.h. */
#include "common/bulk_vfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GATHER     (1u << 20)
#define BEHIND_MAX (16 << 20) /* written, and perhaps not on the disk yet */

struct bulk_file {
	sqlite3_file base;
	struct bulk_vfs *bulk;
	int fd;
	char *bytes; /* what is not written yet: len bytes that belong at `at` */
	size_t len;
	sqlite3_int64 at;
	sqlite3_int64 followed; /* the disk was waited for up to there */
};

/* ---- writing -------------------------------------------------------------------------------------------- */

static int write_failed(struct bulk_file *f, int error)
{
	if (f->bulk->error == 0)
		f->bulk->error = error;
	errno = error; /* SQLite asks for it */
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int bytes_write(struct bulk_file *f, const char *bytes, size_t left, sqlite3_int64 at)
{
	while (left > 0) {
		ssize_t n = pwrite(f->fd, bytes, left, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return write_failed(f, n < 0 ? errno : ENOSPC);
		bytes += n;
		at += n;
		left -= (size_t)n;
	}
	return SQLITE_OK;
}

/* The disk begins with what was written, and is waited for where it is too far behind: what others write then does
 * not stand behind ours.  A file system that cannot is none the worse. */
static void disk_follow(struct bulk_file *f, size_t len)
{
	sqlite3_int64 until = f->at - BEHIND_MAX / 2;

	sync_file_range(f->fd, f->at, (off_t)len, SYNC_FILE_RANGE_WRITE);
	if (until < f->followed + BEHIND_MAX / 2)
		return;
	sync_file_range(f->fd, f->followed, until - f->followed, SYNC_FILE_RANGE_WAIT_BEFORE);
	f->followed = until;
}

/* Writes what was gathered, and has the disk follow. */
static int gathered_write(struct bulk_file *f)
{
	size_t len = f->len;
	int rc;

	if (f->bulk->error != 0)
		return write_failed(f, f->bulk->error);
	f->len = 0;
	rc = bytes_write(f, f->bytes, len, f->at);
	if (rc == SQLITE_OK && len > 0)
		disk_follow(f, len);
	return rc;
}

static bool is_gathered(const struct bulk_file *f, sqlite3_int64 at, size_t n)
{
	return f->len > 0 && at < f->at + (sqlite3_int64)f->len && at + (sqlite3_int64)n > f->at;
}

/* Whether that piece goes on where what was gathered ends. */
static bool goes_on(const struct bulk_file *f, sqlite3_int64 at, size_t n)
{
	return at == f->at + (sqlite3_int64)f->len && f->len + n <= GATHER;
}

static int on_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct bulk_file *f = (struct bulk_file *)file;
	size_t size = (size_t)n;
	int rc;

	if (f->len == 0 || !goes_on(f, at, size)) {
		rc = gathered_write(f);
		if (rc != SQLITE_OK)
			return rc;
		f->at = at;
	}
	if (size > GATHER)
		return bytes_write(f, bytes, size, at);
	memcpy(f->bytes + f->len, bytes, size);
	f->len += size;
	return SQLITE_OK;
}

/* ---- the rest of a file ---------------------------------------------------------------------------------- */

static int on_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
	struct bulk_file *f = (struct bulk_file *)file;
	int rc = is_gathered(f, at, (size_t)n) ? gathered_write(f) : SQLITE_OK;
	ssize_t got;

	if (rc != SQLITE_OK)
		return rc;
	do
		got = pread(f->fd, bytes, (size_t)n, at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got == n)
		return SQLITE_OK;
	memset((char *)bytes + got, 0, (size_t)(n - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct bulk_file *f = (struct bulk_file *)file;
	int rc = gathered_write(f);

	return rc == SQLITE_OK && ftruncate(f->fd, size) < 0 ? SQLITE_IOERR_TRUNCATE : rc;
}

static int on_sync(sqlite3_file *file, int flags)
{
	struct bulk_file *f = (struct bulk_file *)file;
	int rc = gathered_write(f);

	(void)flags;
	return rc == SQLITE_OK && fsync(f->fd) < 0 ? SQLITE_IOERR_FSYNC : rc;
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct bulk_file *f = (struct bulk_file *)file;
	int rc = gathered_write(f);
	struct stat st;

	if (rc == SQLITE_OK && fstat(f->fd, &st) < 0)
		return SQLITE_IOERR_FSTAT;
	*size = rc == SQLITE_OK ? st.st_size : 0;
	return rc;
}

/* SQLite announces a commit's end with SQLITE_FCNTL_SYNC, also where it syncs nothing. */
static int on_control(sqlite3_file *file, int op, void *arg)
{
	(void)arg;
	return op == SQLITE_FCNTL_SYNC ? gathered_write((struct bulk_file *)file) : SQLITE_NOTFOUND;
}

static int on_close(sqlite3_file *file)
{
	struct bulk_file *f = (struct bulk_file *)file;
	int rc = gathered_write(f);

	free(f->bytes);
	close(f->fd);
	return rc;
}

static int on_lock(sqlite3_file *file, int level)
{
	(void)file, (void)level;
	return SQLITE_OK;
}

static int on_reserved_ask(sqlite3_file *file, int *is_reserved)
{
	(void)file;
	*is_reserved = 0;
	return SQLITE_OK;
}

static int on_sector_ask(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int on_device_ask(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_lock,
    .xCheckReservedLock = on_reserved_ask,
    .xFileControl = on_control,
    .xSectorSize = on_sector_ask,
    .xDeviceCharacteristics = on_device_ask,
};

/* ---- the VFS --------------------------------------------------------------------------------------------- */

static struct bulk_vfs *bulk_of(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
	struct bulk_file *f = (struct bulk_file *)file;
	struct bulk_vfs *b = bulk_of(vfs);

	if (name == NULL || (flags & SQLITE_OPEN_MAIN_DB) == 0)
		return b->plain->xOpen(b->plain, name, file, flags, flags_out);
	*f = (struct bulk_file){.bulk = b, .bytes = malloc(GATHER)};
	if (f->bytes == NULL)
		return SQLITE_NOMEM;
	f->fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0) {
		free(f->bytes);
		return SQLITE_CANTOPEN;
	}
	f->base.pMethods = &methods;
	if (flags_out != NULL)
		*flags_out = flags;
	return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	return bulk_of(vfs)->plain->xDelete(bulk_of(vfs)->plain, name, sync_dir);
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
	return bulk_of(vfs)->plain->xAccess(bulk_of(vfs)->plain, name, flags, result);
}

/* As it was said: SQLite's own would follow symlinks. */
static int on_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int on_last_error(sqlite3_vfs *vfs, int size, char *text)
{
	(void)vfs, (void)size, (void)text;
	return errno;
}

int bulk_vfs_begin(struct bulk_vfs *b)
{
	sqlite3_vfs *plain = sqlite3_vfs_find(NULL);

	if (plain == NULL)
		return SQLITE_ERROR;
	*b = (struct bulk_vfs){.vfs = *plain, .plain = plain};
	b->vfs.pNext = NULL;
	b->vfs.zName = BULK_VFS_NAME;
	b->vfs.pAppData = b;
	if (b->vfs.szOsFile < (int)sizeof(struct bulk_file))
		b->vfs.szOsFile = (int)sizeof(struct bulk_file);
	b->vfs.xOpen = on_open;
	b->vfs.xDelete = on_delete;
	b->vfs.xAccess = on_access;
	b->vfs.xFullPathname = on_full_path;
	b->vfs.xGetLastError = on_last_error;
	return sqlite3_vfs_register(&b->vfs, 0);
}

void bulk_vfs_end(struct bulk_vfs *b)
{
	sqlite3_vfs_unregister(&b->vfs);
}

int bulk_uri(const char *path, char *out, size_t size)
{
	static const char digits[] = "0123456789ABCDEF", head[] = "file:", tail[] = "?vfs=" BULK_VFS_NAME;
	size_t n = sizeof head - 1;

	if (size < sizeof head + sizeof tail)
		return -ENAMETOOLONG;
	memcpy(out, head, n);
	for (; *path != '\0'; path++) {
		unsigned char c = (unsigned char)*path;

		if (n + 3 + sizeof tail > size)
			return -ENAMETOOLONG;
		if (isalnum(c) || strchr("/._-", c) != NULL) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	memcpy(out + n, tail, sizeof tail);
	return 0;
}
