/* SPDX-License-Identifier: MIT */
/* Modes against an account; see access.h. */
#include "helper/access.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int account_of(struct account *a, const char *name)
{
	const struct passwd *pw = getpwnam(name);
	int n = 64;

	*a = (struct account){0};
	if (!pw)
		return -ENOENT;
	a->uid = pw->pw_uid;
	for (;;) {
		gid_t *groups = reallocarray(a->groups, (size_t)n, sizeof *groups);

		if (!groups) {
			account_fini(a);
			return -ENOMEM;
		}
		a->groups = groups;
		a->n_groups = (size_t)n;
		if (getgrouplist(name, pw->pw_gid, groups, &n) >= 0)
			break;
	}
	a->n_groups = (size_t)n;
	return 0;
}

int account_self(struct account *a)
{
	int n = getgroups(0, NULL);

	*a = (struct account){.uid = geteuid(), .groups = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof *a->groups)};
	if (!a->groups)
		return -ENOMEM;
	n = n > 0 ? getgroups(n, a->groups) : 0;
	a->n_groups = n > 0 ? (size_t)n : 0;
	a->groups[a->n_groups++] = getegid();
	return 0;
}

void account_fini(struct account *a)
{
	free(a->groups);
	*a = (struct account){0};
}

static bool may_execute(const struct account *a, const struct stat *st)
{
	if (a->uid == 0)
		return S_ISDIR(st->st_mode) || (st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH));
	if (st->st_uid == a->uid)
		return st->st_mode & S_IXUSR;
	for (size_t i = 0; i < a->n_groups; i++)
		if (a->groups[i] == st->st_gid)
			return st->st_mode & S_IXGRP;
	return st->st_mode & S_IXOTH;
}

/* One file or directory on the way. */
static int part_check(const struct account *a, const char *path, struct stat *st, char *at, size_t size)
{
	if (stat(path, st) < 0)
		return -errno;
	if (may_execute(a, st))
		return 0;
	snprintf(at, size, "%s", path);
	return -EACCES;
}

int account_can_run(const struct account *a, const char *path, char *at, size_t size)
{
	char real[PATH_MAX];
	struct stat st;
	int r;

	if (!realpath(path, real))
		return -errno;
	for (char *slash = strchr(real + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = part_check(a, real, &st, at, size);
		*slash = '/';
		if (r < 0)
			return r;
	}
	r = part_check(a, real, &st, at, size);
	return r == 0 && !S_ISREG(st.st_mode) ? -EISDIR : r;
}
