/* SPDX-License-Identifier: MIT */
/* The table's file; see user_list_load.h. */
#include "users/user_list_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE_MAX_BYTES (4 << 20)

/* The whole file, NUL-terminated; NULL with errno. */
static char *file_read(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= TABLE_MAX_BYTES)
		text = malloc((size_t)st.st_size + 1);
	else
		errno = EFBIG;
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	if (n < 0) {
		free(text);
		text = NULL;
	} else {
		text[n] = '\0';
		*len = (size_t)n;
	}
	close(fd);
	return text;
}

int user_list_load(struct user_list *out, const char *path, const char *env_pattern, uint64_t accounts_for_us,
                   char *why, size_t why_size)
{
	size_t len = 0;
	char *text = file_read(path, &len);
	int r;

	*out = (struct user_list){0};
	if (!text) {
		snprintf(why, why_size, "%s",
		         errno == EFBIG ? "not a regular file, or larger than a table may be" : strerror(errno));
		return -EINVAL;
	}
	r = user_list_parse(out, text, len, env_pattern, accounts_for_us, why, why_size);
	free(text);
	return r;
}
