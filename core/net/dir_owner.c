/* SPDX-License-Identifier: MIT */
/* See dir_owner.h. */
#include "net/dir_owner.h"

#include <string.h>
#include <sys/stat.h>

#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)

/* Cuts the last part of path off; false: nothing is left. */
static bool parent_take(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || path[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

/* Every directory above it is root's alone.  In one with the sticky bit everybody can make what is not there yet. */
static bool is_roots(char *path)
{
	struct stat st;

	while (parent_take(path))
		if (lstat(path, &st) < 0 || st.st_uid != 0 || !S_ISDIR(st.st_mode) || st.st_mode & WRITABLE_BY_OTHERS)
			return false;
	return true;
}

bool dir_owner_may_be_known(const char *path)
{
	struct stat st = {0};
	char dir[256];
	uid_t uid;

	if (path[0] != '/' || strlen(path) >= sizeof dir)
		return false;
	strcpy(dir, path);
	if (parent_take(dir) && lstat(dir, &st) == 0)
		return dir_owner(path, &uid);
	while (parent_take(dir) && lstat(dir, &st) < 0)
		;
	return st.st_uid == 0 && S_ISDIR(st.st_mode) && !(st.st_mode & WRITABLE_BY_OTHERS) && is_roots(dir);
}

bool dir_owner(const char *path, uid_t *uid)
{
	char dir[256];
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof dir)
		return false;
	strcpy(dir, path);
	if (!parent_take(dir) || lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_mode & WRITABLE_BY_OTHERS)
		return false;
	*uid = st.st_uid;
	return is_roots(dir);
}
