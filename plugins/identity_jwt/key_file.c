/* SPDX-License-Identifier: MIT */
/* Reading it; see key_file.h. */
#include "identity_jwt/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct key_file key_file_of(const struct stat *st)
{
	return (struct key_file){.dev = st->st_dev, .ino = st->st_ino, .size = st->st_size, .modified = st->st_mtim};
}

/* The length, or -errno. */
static ssize_t bytes_read(int fd, char *out, size_t max)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, out + n, max - n)) > 0)
		n += (size_t)r;
	return r < 0 ? -errno : (ssize_t)n;
}

static int open_read(int fd, size_t max, struct key_file *known, char **text, size_t *len)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*text = malloc(max + 1);
	if (*text == NULL)
		return -ENOMEM;
	*known = key_file_of(&st);
	n = bytes_read(fd, *text, max + 1);
	if (n < 0 || (size_t)n > max) {
		key_file_forget(*text, max + 1);
		*text = NULL;
		return n < 0 ? (int)n : -EFBIG;
	}
	while (n > 0 && ((*text)[n - 1] == '\n' || (*text)[n - 1] == '\r'))
		n--;
	*len = (size_t)n;
	return 0;
}

int key_file_read(const char *path, size_t max, struct key_file *known, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), r;

	*text = NULL;
	*len = 0;
	if (fd < 0)
		return -errno;
	r = open_read(fd, max, known, text, len);
	close(fd);
	return r;
}

void key_file_forget(char *text, size_t len)
{
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
}

bool key_file_changed(const char *path, const struct key_file *known)
{
	struct stat st;
	struct key_file now;

	if (stat(path, &st) < 0)
		return false;
	now = key_file_of(&st);
	return now.dev != known->dev || now.ino != known->ino || now.size != known->size ||
	       now.modified.tv_sec != known->modified.tv_sec || now.modified.tv_nsec != known->modified.tv_nsec;
}
