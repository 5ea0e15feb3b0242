/* SPDX-License-Identifier: MIT */
/* A file packed with zstd, with a window that is long enough for a database and that zstd(1) takes as it is. */
#ifndef T3OPS_PLUGINS_BACKUP_PACK_H
#define T3OPS_PLUGINS_BACKUP_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "digest.h"

#define PACK_LEVEL_MAX 19

/* Whether this build has zstd. */
bool pack_is_there(void);

/* All of `from` goes to `to`, from its current position on; inner: the digest of what is unpacked.  Stops at until_us
 * (of CLOCK_MONOTONIC).  0, -ETIMEDOUT, -ENOMEM, -ENOTSUP (a build without zstd), or as read(2) and write(2). */
int pack(int from, int to, int level, uint64_t until_us, char inner[DIGEST_SIZE]);
/* The way back; to -1: it is only read.  Also -EBADMSG: it is damaged, or ends early. */
int unpack(int from, int to, uint64_t until_us, char inner[DIGEST_SIZE]);

#endif
