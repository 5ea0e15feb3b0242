/* SPDX-License-Identifier: MIT */
/*
 * A VFS of SQLite for one new file that nobody else knows yet, such as the target of VACUUM INTO.  SQLite writes it
 * page by page, mostly in order; this gathers neighbours to writes of a megabyte, which takes half the time, and
 * keeps the disk at most 16 of them behind: an fsync of the database's server then never waits for all of the copy.
 * It follows no symlink, makes its file anew or fails, and locks nothing.
 */
#ifndef T3OPS_PLUGINS_COMMON_BULK_VFS_H
#define T3OPS_PLUGINS_COMMON_BULK_VFS_H

#include <limits.h>
#include <sqlite3.h>
#include <stddef.h>

#define BULK_VFS_NAME "t3ops_bulk"
#define BULK_URI_MAX  (3 * PATH_MAX + 64)

struct bulk_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *plain; /* SQLite's own, for all but the file */
	int error;          /* errno of the first write that failed, 0: none did */
};

/* From here to bulk_vfs_end URIs may name it; b must not move.  SQLITE_OK, or SQLite's code. */
int bulk_vfs_begin(struct bulk_vfs *b);
/* After all that used it is closed. */
void bulk_vfs_end(struct bulk_vfs *b);

/* The URI of a file for ATTACH and VACUUM INTO on a connection opened with SQLITE_OPEN_URI.  -ENAMETOOLONG.  Pure. */
int bulk_uri(const char *path, char *out, size_t size);

#endif
