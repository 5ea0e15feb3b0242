/* SPDX-License-Identifier: MIT */
/* Reading a config file; see conf_text.h. */
#include "conf/conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int whole_read(int fd, char *out, size_t size, size_t *len)
{
	*len = 0;
	while (*len < size) {
		ssize_t n = read(fd, out + *len, size - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		*len += (size_t)n;
	}
	return -EFBIG;
}

/* Whatever else has the name may let a reader wait for ever. */
static int regular_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
}

int conf_text_read(struct conf_text *t, const char *path)
{
	int r, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	memset(t, 0, sizeof *t);
	if (fd < 0)
		return -errno;
	t->path = strdup(path);
	t->bytes = malloc(CONF_TEXT_MAX_BYTES + 1);
	r = t->path && t->bytes ? regular_check(fd) : -ENOMEM;
	if (r == 0)
		r = whole_read(fd, t->bytes, CONF_TEXT_MAX_BYTES, &t->len);
	close(fd);
	if (r < 0) {
		conf_text_fini(t);
		return r;
	}
	t->bytes[t->len] = '\0';
	t->bytes = realloc(t->bytes, t->len + 1); /* smaller: does not fail */
	return 0;
}

const char *conf_text_error(int error)
{
	switch (error) {
	case -EFBIG:
		return "larger than 1 MiB, expected a config file";
	case -ENOTSUP:
		return "expected a regular file, which a reload can read again";
	case -ENOENT:
		return "No such file or directory; the package's example is " T3OPS_DATA_DIR "/t3ops.conf";
	default:
		return strerror(-error);
	}
}

void conf_text_fini(struct conf_text *t)
{
	free(t->path);
	free(t->bytes);
	memset(t, 0, sizeof *t);
}
