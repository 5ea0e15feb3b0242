/* SPDX-License-Identifier: MIT */
/* A file encrypted with a key of the user's own: libsodium's secretstream (XChaCha20-Poly1305). */
#ifndef T3OPS_PLUGINS_BACKUP_CRYPT_H
#define T3OPS_PLUGINS_BACKUP_CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPT_KEY_BYTES 32

struct crypt_key {
	unsigned char bytes[CRYPT_KEY_BYTES];
};

/* Whether this build has libsodium. */
bool crypt_is_there(void);

/* From a private file with 64 hexadecimal digits.  0 or -errno with one line in why, which never quotes it. */
int crypt_key_read(struct crypt_key *key, const char *path, char *why, size_t why_size);
void crypt_key_wipe(struct crypt_key *key);

/* All of `from` goes to `to`.  Both stop at until_us (of CLOCK_MONOTONIC).  0, -ETIMEDOUT, -ENOMEM, -ENOTSUP (a build
 * without it), or as read(2) and write(2). */
int encrypt_file(int from, int to, const struct crypt_key *key, uint64_t until_us);
/* To -1: it is only read.  Also -EBADMSG: it is damaged, or ends early; -EKEYREJECTED: it was encrypted with
 * another key. */
int decrypt_file(int from, int to, const struct crypt_key *key, uint64_t until_us);

#endif
