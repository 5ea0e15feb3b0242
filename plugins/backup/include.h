/* SPDX-License-Identifier: MIT */
/*
 * What the option `include` names beside the database, files and directories of userdata/, as one tar archive.
 * Only regular files and directories go along; what cannot is counted and named, and keeps nobody from a backup.
 */
#ifndef T3OPS_PLUGINS_BACKUP_INCLUDE_H
#define T3OPS_PLUGINS_BACKUP_INCLUDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this build has libarchive. */
bool include_is_there(void);

/* A name that may be included: one of userdata/, no path, none of the database's own. */
bool include_is_name(const char *name);

struct include {
	int dir_fd;               /* of userdata/ */
	const char *const *names; /* NULL-terminated */
	long long max_bytes;      /* of all files together */
	uint64_t until_us;        /* of CLOCK_MONOTONIC */
};

struct include_facts {
	size_t files;
	long long bytes;
	size_t left_out; /* neither a file nor a directory, not readable, too large, or too deep */
	char first[200]; /* of them: NAME: why */
	size_t changed;  /* while they were read: shorter than they said, filled up with zeros */
};

/* What it would be, by a look at sizes. */
long long include_bytes(const struct include *in);

/* Writes the archive to fd.  What vanishes meanwhile is none.  0, -ETIMEDOUT, -ENOTSUP (a build without libarchive),
 * or as write(2). */
int include_pack(const struct include *in, int fd, struct include_facts *facts);

/* Reads the archive at fd whole; into the directory `to`, which is empty, or to NULL.  0, -ETIMEDOUT, -ENOTSUP,
 * -EBADMSG (damaged, or not one that include_pack wrote), or as write(2). */
int include_unpack(int fd, const char *to, uint64_t until_us);

#endif
