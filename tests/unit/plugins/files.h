/* SPDX-License-Identifier: MIT */
/* Files as tests make, change and compare them.  Whatever goes wrong fails the test. */
#ifndef TESTS_PLUGINS_FILES_H
#define TESTS_PLUGINS_FILES_H

#include <stddef.h>
#include <sys/types.h>

/* A path, or other text, in an array that must hold it whole. */
#define PATH(out, ...) assert_true((size_t)snprintf(out, sizeof out, __VA_ARGS__) < sizeof out)

void file_write(const char *path, const char *bytes, size_t n);
void file_copy(const char *from, const char *to);
void file_byte_flip(const char *path, off_t at);
/* SHA-256 in hexadecimal digits. */
void file_digest(const char *path, char out[65]);
/* A directory with all that is in it; nothing happens if it is not there. */
void file_tree_remove(const char *path);

#endif
