/* SPDX-License-Identifier: MIT */
/* See digest.h; struct digest is OpenSSL's own. */
#include "digest.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/due.h"

#define CHUNK (256u << 10)

struct digest *digest_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		return (struct digest *)ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

void digest_free(struct digest *d)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)d);
}

int digest_feed(struct digest *d, const void *bytes, size_t n)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)d, bytes, n) == 1 ? 0 : -ENOMEM;
}

int digest_end(struct digest *d, char out[DIGEST_SIZE])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestFinal_ex((EVP_MD_CTX *)d, bytes, &n) != 1 || n * 2 + 1 != DIGEST_SIZE)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int part_feed(struct digest *d, int fd, off_t at, off_t end, unsigned char *chunk, uint64_t until_us)
{
	ssize_t n;
	int r;

	while (at < end) {
		n = pread(fd, chunk, end - at < CHUNK ? (size_t)(end - at) : CHUNK, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = digest_feed(d, chunk, (size_t)n);
		if (r < 0)
			return r;
		if (is_due(until_us))
			return -ETIMEDOUT;
		at += n;
	}
	return 0;
}

int digest_part(int fd, long long at, long long len, uint64_t until_us, char out[DIGEST_SIZE])
{
	struct digest *d = digest_new();
	unsigned char *chunk = malloc(CHUNK);
	int r = d != NULL && chunk != NULL ? 0 : -ENOMEM;

	out[0] = '\0';
	if (r == 0)
		r = part_feed(d, fd, at, len < LLONG_MAX - at ? at + len : LLONG_MAX, chunk, until_us);
	if (r == 0)
		r = digest_end(d, out);
	free(chunk);
	digest_free(d);
	return r;
}

int digest_file(int fd, uint64_t until_us, char out[DIGEST_SIZE])
{
	return digest_part(fd, 0, LLONG_MAX, until_us, out);
}
