/* SPDX-License-Identifier: MIT */
/* See s3_credentials.h. */
#include "s3_credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* name = value; lines of other names, [sections] and comments are not ours. */
static void line_take(struct s3_credentials *c, char *line)
{
	char name[32], value[160];

	if (sscanf(line, " %31[a-z_] = %159[!-~]", name, value) != 2)
		return;
	if (strcmp(name, "aws_access_key_id") == 0)
		memcpy(c->id, value, sizeof value);
	else if (strcmp(name, "aws_secret_access_key") == 0)
		memcpy(c->secret, value, sizeof value);
	explicit_bzero(value, sizeof value);
}

static int text_read(int fd, char *text, size_t size)
{
	ssize_t n = read(fd, text, size - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

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

static int say(char *why, size_t size, const char *path, const char *what, int error)
{
	snprintf(why, size, "credentials %.160s: %s", path, what);
	return error;
}

int s3_credentials_read(struct s3_credentials *c, const char *path, char *why, size_t why_size)
{
	char text[4096], *rest = NULL;
	const char *wrong;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;

	*c = (struct s3_credentials){.id = ""};
	if (fd < 0)
		return say(why, why_size, path, strerror(errno), -errno);
	wrong = owner_check(fd);
	r = wrong == NULL ? text_read(fd, text, sizeof text) : -EPERM;
	close(fd);
	if (r < 0)
		return say(why, why_size, path, wrong != NULL ? wrong : strerror(-r), r);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		line_take(c, line);
	explicit_bzero(text, sizeof text);
	if (c->id[0] == '\0' || c->secret[0] == '\0')
		return say(why, why_size, path,
		           "expected lines aws_access_key_id = ... and aws_secret_access_key = ...", -EINVAL);
	return 0;
}

void s3_credentials_wipe(struct s3_credentials *c)
{
	explicit_bzero(c, sizeof *c);
}
