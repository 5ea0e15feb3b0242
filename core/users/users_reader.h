/* SPDX-License-Identifier: MIT */
/*
 * The user table is read beside the process that uses it, for accounts may come from a slow directory service, and
 * homes and env files from a slow disk: a process of its own watches the files, and forks another one for each
 * reading, which is confined to reading.  What comes back is one whole table at a time.
 *
 *   process  <--- result, memfd ---  reader (watches; not confined, so that new directories are seen)
 *                                      '--- fork for each reading: parses, looks accounts up
 *
 * The reader ends with the process.
 */
#ifndef T3OPS_USERS_USERS_READER_H
#define T3OPS_USERS_USERS_READER_H

#include <ev.h>

#include "users/user_list.h"
#include "users/users_source.h"

#define USERS_WHY_SIZE 240

/* One reading, as user_list_load gives it. */
struct users_result {
	int faults; /* or -errno; rows is empty then */
	char why[USERS_WHY_SIZE];
	struct user_list list; /* without the texts of its faults */
};

struct users_reader;

/* Forks; the process has one thread and is not confined yet.  NULL: errno. */
struct users_reader *users_reader_start(struct ev_loop *loop, const struct users_source *source);
void users_reader_free(struct users_reader *r); /* NULL is fine */
/* Whether a result is there. */
bool users_reader_has_result(const struct users_reader *r);
/* The latest one, now the caller's; false: there is none that was not taken. */
bool users_reader_take(struct users_reader *r, struct users_result *out);
const struct users_source *users_reader_source(const struct users_reader *r);
/* From then on: called for each result, which it takes, and when the reader has died (gone). */
typedef void (*users_reader_cb)(void *arg, bool gone);
void users_reader_follow(struct users_reader *r, users_reader_cb cb, void *arg);

#endif
