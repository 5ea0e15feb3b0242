/* SPDX-License-Identifier: MIT */
/* See files.h. */
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"

void file_write(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void file_copy(const char *from, const char *to)
{
	static char bytes[1 << 20];
	FILE *in = fopen(from, "r");
	size_t n;

	assert_non_null(in);
	n = fread(bytes, 1, sizeof bytes, in);
	fclose(in);
	file_write(to, bytes, n);
}

void file_byte_flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

void file_digest(const char *path, char out[65])
{
	unsigned char bytes[32];
	static char whole[32 << 20];
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	n = fread(whole, 1, sizeof whole, in);
	fclose(in);
	assert_true(n < sizeof whole);
	assert_int_equal(EVP_Digest(whole, n, bytes, NULL, EVP_sha256(), NULL), 1);
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void file_tree_remove(const char *path)
{
	struct dirent **found;
	int n = scandir(path, &found, NULL, NULL);

	for (int i = 0; i < n; i++) {
		char inner[1024];

		snprintf(inner, sizeof inner, "%s/%s", path, found[i]->d_name);
		if (strcmp(found[i]->d_name, ".") != 0 && strcmp(found[i]->d_name, "..") != 0 && unlink(inner) < 0)
			file_tree_remove(inner);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	rmdir(path);
}
