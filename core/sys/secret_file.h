/* SPDX-License-Identifier: MIT */
/* A secret in a file of its own: read when the configuration is checked, and from then on only a digest.  Any
 * process; reads a short file. */
#ifndef T3OPS_SYS_SECRET_FILE_H
#define T3OPS_SYS_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_DIGEST_BYTES 32 /* SHA-256 */
#define SECRET_DIGEST_HEX   (2 * SECRET_DIGEST_BYTES + 1)

/* The digest of the file's first line, in hex.  NULL, or what is wrong with the file (static text). */
const char *secret_file_digest(const char *path, char out[SECRET_DIGEST_HEX]);
/* Of any bytes. */
void secret_digest(const char *bytes, size_t n, unsigned char out[SECRET_DIGEST_BYTES]);
/* The digest that secret_file_digest wrote; false: that is none. */
bool secret_digest_parse(const char *hex, unsigned char out[SECRET_DIGEST_BYTES]);

#endif
