/* SPDX-License-Identifier: MIT */
/* A small local file, read whole, and whether it is another one by now. */
#ifndef T3OPS_IDENTITY_JWT_KEY_FILE_H
#define T3OPS_IDENTITY_JWT_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Which file was read last; zeroed: none. */
struct key_file {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified;
};

/* *text and *len, without the newlines at its end; for key_file_forget.  0 or -errno; -EFBIG: larger than max. */
int key_file_read(const char *path, size_t max, struct key_file *known, char **text, size_t *len);
/* Wipes it, for it may be a secret; NULL is fine. */
void key_file_forget(char *text, size_t len);
/* One that is not there is none. */
bool key_file_changed(const char *path, const struct key_file *known);

#endif
