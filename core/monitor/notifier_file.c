/* SPDX-License-Identifier: MIT */
/* Written beside, then renamed; see notifier_file.h. */
#include "monitor/notifier_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "obs/log.h"

#define NAME "notifications.json"

static int path_make(char out[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int fd_write(int fd, const json_t *sections)
{
	int r = 0;

	errno = 0;
	if (json_dumpfd(sections, fd, JSON_COMPACT | JSON_REAL_PRECISION(12)) < 0)
		r = errno != 0 ? -errno : -EIO;
	return close(fd) < 0 && r == 0 ? -errno : r;
}

int notifier_file_write(const char *state_dir, const json_t *sections)
{
	char path[PATH_MAX], beside[PATH_MAX];
	int fd, r;

	if (path_make(path, state_dir, NAME) < 0 || path_make(beside, state_dir, NAME ".new") < 0)
		return -ENAMETOOLONG;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fd_write(fd, sections);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(beside);
	return r;
}

json_t *notifier_file_read(const char *state_dir)
{
	char path[PATH_MAX];
	json_error_t error = {0};
	json_t *sections;
	int fd;

	if (path_make(path, state_dir, NAME) < 0)
		return NULL;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	sections = json_loadfd(fd, 0, &error);
	close(fd);
	if (sections == NULL)
		log_write(LOG_L_ERROR, "notifications_lost", kv_path(path), kv_error(error.text));
	return sections;
}
