/* SPDX-License-Identifier: MIT */
/* See small_disk.h. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"
#include "small_disk.h"

static bool map_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Root needs no user namespace, and others get one in which they are themselves. */
static bool mounts_unshare(void)
{
	char uids[48], gids[48];

	PATH(uids, "%u %u 1", geteuid(), geteuid());
	PATH(gids, "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWNS) == 0 ||
	       (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && map_write("/proc/self/setgroups", "deny") &&
	        map_write("/proc/self/uid_map", uids) && map_write("/proc/self/gid_map", gids));
}

bool small_disk_mount(const char *dir, long bytes, bool read_only)
{
	char options[64];

	PATH(options, "size=%ld,mode=700", bytes);
	return mounts_unshare() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", dir, "tmpfs", 0, options) == 0 &&
	       (!read_only || mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
}

void small_disk_fill(const char *dir, const char *file)
{
	char growing[512], path[512];
	static char bytes[65536];
	struct stat st;
	int fd;

	if (fork() != 0)
		return;
	PATH(growing, "%s/%s", dir, file);
	PATH(path, "%s/others", dir);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (stat(growing, &st) < 0 || st.st_size == 0)
		;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && write(fd, bytes, sizeof bytes) > 0)
		;
	_exit(0);
}

bool small_disk_can(const char *dir)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(small_disk_mount(dir, 1 << 20, false) ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}
