/* SPDX-License-Identifier: MIT */
/* See cgroup.h. */
#include "common/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void cgroup_of(pid_t pid, char *out, size_t size)
{
	char path[64], text[512];
	const char *line;
	ssize_t n;
	int fd;

	out[0] = '\0';
	snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	line = strstr(text, "0::");
	if (line != NULL)
		snprintf(out, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
}

void cgroup_own(pid_t pid, char *out, size_t size)
{
	char mine[CGROUP_SIZE];

	cgroup_of(pid, out, size);
	cgroup_of(getpid(), mine, sizeof mine);
	if (strcmp(out, mine) == 0 || strcmp(out, "/") == 0)
		out[0] = '\0';
}
