/* SPDX-License-Identifier: MIT */
/* See digest.h. */
#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/due.h"

#define CHUNK (256u << 10)

static int file_feed(EVP_MD_CTX *ctx, int fd, unsigned char *chunk, uint64_t until_us)
{
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, CHUNK, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (EVP_DigestUpdate(ctx, chunk, (size_t)n) != 1)
			return -ENOMEM;
		if (is_due(until_us))
			return -ETIMEDOUT;
		at += n;
	}
	return 0;
}

static int hex_take(EVP_MD_CTX *ctx, char out[DIGEST_SIZE])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestFinal_ex(ctx, bytes, &n) != 1 || n * 2 + 1 != DIGEST_SIZE)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

int digest_file(int fd, uint64_t until_us, char out[DIGEST_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *chunk = malloc(CHUNK);
	int r = ctx != NULL && chunk != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;

	out[0] = '\0';
	if (r == 0)
		r = file_feed(ctx, fd, chunk, until_us);
	if (r == 0)
		r = hex_take(ctx, out);
	free(chunk);
	EVP_MD_CTX_free(ctx);
	return r;
}
