/* SPDX-License-Identifier: MIT */
/* Reading a secret's digest; see secret_file.h. */
#include "sys/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MIN 16
#define SECRET_MAX 512

void secret_digest(const char *bytes, size_t n, unsigned char out[SECRET_DIGEST_BYTES])
{
	EVP_Digest(bytes, n, out, NULL, EVP_sha256(), NULL);
}

static const char *fault_of(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_mode & (S_IRWXO))
		return "can be read or written by other accounts: run chmod o= on it";
	return NULL;
}

static const char *line_digest(const char *bytes, size_t n, char out[SECRET_DIGEST_HEX])
{
	unsigned char digest[SECRET_DIGEST_BYTES];
	size_t len = 0;

	while (len < n && bytes[len] != '\n' && bytes[len] != '\r')
		len++;
	if (len < SECRET_MIN)
		return "has fewer than 16 bytes in its first line";
	if (len >= SECRET_MAX)
		return "has more than 511 bytes in its first line";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] <= ' ' || (unsigned char)bytes[i] >= 0x7f)
			return "has characters in its first line that a header cannot carry";
	secret_digest(bytes, len, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return NULL;
}

const char *secret_file_digest(const char *path, char out[SECRET_DIGEST_HEX])
{
	char bytes[SECRET_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *fault;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return strerror(errno);
	fault = fstat(fd, &st) < 0 ? strerror(errno) : fault_of(&st);
	n = fault ? 0 : read(fd, bytes, sizeof bytes);
	if (!fault)
		fault = n < 0 ? strerror(errno) : line_digest(bytes, (size_t)n, out);
	close(fd);
	OPENSSL_cleanse(bytes, sizeof bytes);
	return fault;
}

bool secret_digest_parse(const char *hex, unsigned char out[SECRET_DIGEST_BYTES])
{
	if (strlen(hex) != SECRET_DIGEST_HEX - 1)
		return false;
	for (size_t i = 0; i < SECRET_DIGEST_BYTES; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &out[i]) != 1)
			return false;
	return true;
}
