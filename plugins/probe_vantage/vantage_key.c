/* SPDX-License-Identifier: MIT */
/* Reading the key; see vantage_key.h. */
#include "probe_vantage/vantage_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MIN  16
#define LINE_MAX_ 512

static const char *line_digest(const char *bytes, size_t n, unsigned char out[TESTIMONY_KEY_BYTES])
{
	size_t len = 0;

	while (len < n && bytes[len] != '\n' && bytes[len] != '\r')
		len++;
	if (len < LINE_MIN || len >= LINE_MAX_)
		return "expected 16 to 511 bytes in its first line";
	EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL);
	return NULL;
}

const char *vantage_key_read(const char *path, unsigned char out[TESTIMONY_KEY_BYTES])
{
	char bytes[LINE_MAX_ + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *fault = NULL;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return errno == EACCES ? "t3ops may not read it: give it the group of user and chmod 640 it"
		                       : strerror(errno);
	if (fstat(fd, &st) < 0)
		fault = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		fault = "not a regular file";
	else if (st.st_mode & S_IRWXO)
		fault = "other accounts can read or write it: run chmod o= on it";
	else if ((n = read(fd, bytes, sizeof bytes)) < 0)
		fault = strerror(errno);
	close(fd);
	if (fault == NULL)
		fault = line_digest(bytes, (size_t)n, out);
	OPENSSL_cleanse(bytes, sizeof bytes);
	return fault;
}
