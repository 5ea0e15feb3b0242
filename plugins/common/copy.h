/* SPDX-License-Identifier: MIT */
/* A verified copy of a SQLite database that others may be writing to. */
#ifndef T3OPS_PLUGINS_COMMON_COPY_H
#define T3OPS_PLUGINS_COMMON_COPY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the copy holds, and what making it cost. */
struct copy_facts {
	json_t *rows;        /* {TABLE: rows}; owned */
	long long migration; /* -1: none */
	bool changed;        /* others wrote to the source meanwhile */
	uint64_t paused_us;  /* under pressure */
	long long wal_grown; /* by how many bytes the source's -wal file grew */
	char sha256[65];     /* of the copy, if copy_more.beside says how; else "" */
};

#define COPY_UNREAD 1

/* Makes `to`, which must not exist, with VACUUM INTO, and checks it: its integrity, and its tables against those of
 * the source.  Takes no write lock and starts no checkpoint.  Stops at until_us (of CLOCK_MONOTONIC).  0 with facts
 * to be given to copy_facts_fini, or with one line in why: -ETIMEDOUT (late), -EBUSY (locked), -ENOSPC (no room for
 * it, or disk or quota full), -EBADMSG (the source is damaged), -ENOTSUP (our SQLite cannot read its
 * schema, nor copy it), -ENOENT, -ENODATA (no tables), -EACCES, -EIO.  COPY_UNREAD: it is made, page by page, of a
 * schema that our SQLite cannot read for it is newer, as why says; checked are the tables that can be read, and
 * counted is none.  What it made of `to` stays for the caller to remove. */
int copy_database(const char *from, const char *to, uint64_t until_us, struct copy_facts *facts, char *why,
                  size_t why_size);

/* Reads the copy while it is checked, in a thread of its own, and writes what it finds to facts->sha256. */
typedef void copy_beside(const char *copy, uint64_t until_us, struct copy_facts *facts);

/* What comes beside a copy. */
struct copy_more {
	unsigned percent; /* of the copy, that the caller will write there besides: there must be room for it, too, */
	long long bytes;  /* and for these, before it begins */
	copy_beside *beside; /* NULL: nothing */
};

int copy_database_and(const struct copy_more *more, const char *from, const char *to, uint64_t until_us,
                      struct copy_facts *facts, char *why, size_t why_size);
void copy_facts_fini(struct copy_facts *facts);

/* Whether a database is whole, with at least one table; counts its rows.  As copy_database; -ENOTSUP: its
 * schema is newer than our SQLite. */
int copy_verify(const char *path, uint64_t until_us, struct copy_facts *facts, char *why, size_t why_size);

#endif
