/* SPDX-License-Identifier: MIT */
/*
 * When each job last succeeded for each user, kept in a small file of state_dir, so that a restart of t3ops does not
 * forget it.  A file that cannot be read counts as empty, which is said; one that cannot be written is said once.
 * Jobs process.
 */
#ifndef T3OPS_JOBS_LAST_SUCCESS_H
#define T3OPS_JOBS_LAST_SUCCESS_H

#include <stddef.h>
#include <stdint.h>

/* Why that of the directory cannot be read, in buf; NULL: it can, or there is none. */
const char *last_success_fault(const char *dir, char *buf, size_t size);

struct last_success;

/* Reads DIR/job_last_success.json.  NULL without memory. */
struct last_success *last_success_open(const char *dir);
void last_success_close(struct last_success *l);

/* Microseconds since 1970; 0: never. */
uint64_t last_success_get(const struct last_success *l, const char *job, const char *user);
/* Writes the file anew, at once.  Forgets what is older than a year. */
void last_success_set(struct last_success *l, const char *job, const char *user, uint64_t wall_us);

#endif
