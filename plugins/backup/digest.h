/* SPDX-License-Identifier: MIT */
/* SHA-256 of a file. */
#ifndef T3OPS_PLUGINS_BACKUP_DIGEST_H
#define T3OPS_PLUGINS_BACKUP_DIGEST_H

#include <stdint.h>

#define DIGEST_SIZE 65

/* Of all of the file, from its beginning, as lower-case hex.  Stops at until_us (of CLOCK_MONOTONIC).  0, -ETIMEDOUT,
 * -ENOMEM or as read(2). */
int digest_file(int fd, uint64_t until_us, char out[DIGEST_SIZE]);

#endif
