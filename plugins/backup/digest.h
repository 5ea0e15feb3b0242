/* SPDX-License-Identifier: MIT */
/* SHA-256 of a file, or of what comes piece by piece. */
#ifndef T3OPS_PLUGINS_BACKUP_DIGEST_H
#define T3OPS_PLUGINS_BACKUP_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 65

/* Of all of the file, from its beginning, as lower-case hex.  Stops at until_us (of CLOCK_MONOTONIC).  0, -ETIMEDOUT,
 * -ENOMEM or as read(2). */
int digest_file(int fd, uint64_t until_us, char out[DIGEST_SIZE]);
/* Of len bytes from at on; to the end of the file if that comes first. */
int digest_part(int fd, long long at, long long len, uint64_t until_us, char out[DIGEST_SIZE]);

struct digest;
/* NULL without memory. */
struct digest *digest_new(void);
void digest_free(struct digest *d);
int digest_feed(struct digest *d, const void *bytes, size_t n);
/* Nothing can be fed after it. */
int digest_end(struct digest *d, char out[DIGEST_SIZE]);

#endif
