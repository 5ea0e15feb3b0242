/* SPDX-License-Identifier: MIT */
/* See private_file.h. */
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *owner_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "it belongs to another account";
	return (st.st_mode & 077) != 0 ? "others may read it; chmod 600" : NULL;
}

static int text_read(int fd, char *text, size_t size)
{
	ssize_t n = read(fd, text, size - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

int private_file_read(const char *path, const char *what, char *text, size_t size, char *why, size_t why_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = fd < 0 ? -errno : 0;
	const char *wrong = r == 0 ? owner_check(fd) : NULL;

	if (wrong != NULL)
		r = -EPERM;
	if (r == 0)
		r = text_read(fd, text, size);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		snprintf(why, why_size, "%s %.160s: %s", what, path, wrong != NULL ? wrong : strerror(-r));
	return r;
}
