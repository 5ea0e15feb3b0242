/* SPDX-License-Identifier: MIT */
/* Who owns what in state_dir; see state_owner.h.  Others can write there: nothing is followed, and only files of
 * t3ops' own accounts that have one name change hands. */
#include "supervisor/state_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/account.h"
#include "obs/log.h"

#define SHARED_MODE 01770
#define DEPTH_MAX   3 /* secrets/SECTION/USER */

/* A beginning of names, and whose they are. */
static const struct {
	const char *prefix;
	enum process_id process;
} owned[] = {
    {"journal.sqlite", PROCESS_MONITOR}, {"job_last_success.json", PROCESS_JOBS}, {"secrets", PROCESS_PROBER}};

struct accounts_of {
	const char *dir;
	uid_t shared, uids[PROCESSES]; /* uids: that of `user` where there is none of its own */
};

static void failed(const struct accounts_of *a, const char *name, int error)
{
	log_write(LOG_L_ERROR, "state_dir_failed", kv_path(textf("%s/%s", a->dir, name)), kv_errno(error),
	          kv_effect("processes with accounts of their own cannot write there"),
	          kv_hint("see user_monitor in t3ops.conf(5)"));
}

static bool is_ours(const struct accounts_of *a, uid_t uid)
{
	bool ours = uid == a->shared;

	for (unsigned i = 0; i < PROCESSES; i++)
		ours = ours || uid == a->uids[i];
	return ours;
}

static void tree_give(const struct accounts_of *a, int parent, const char *name, uid_t to, int depth);

static void entries_give(const struct accounts_of *a, int fd, uid_t to, int depth)
{
	struct dirent **found;
	int n = scandirat(fd, ".", &found, NULL, NULL);

	for (int i = 0; i < n; i++) {
		if (strcmp(found[i]->d_name, ".") != 0 && strcmp(found[i]->d_name, "..") != 0)
			tree_give(a, fd, found[i]->d_name, to, depth + 1);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

static void tree_give(const struct accounts_of *a, int parent, const char *name, uid_t to, int depth)
{
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), dir;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || !is_ours(a, st.st_uid) ||
	    !(S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink == 1))) {
		close(fd);
		return;
	}
	if (st.st_uid != to && fchownat(fd, "", to, (gid_t)-1, AT_EMPTY_PATH) < 0)
		failed(a, name, errno);
	close(fd);
	if (!S_ISDIR(st.st_mode) || depth == DEPTH_MAX)
		return;
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return;
	entries_give(a, dir, to, depth);
	close(dir);
}

static void files_give(const struct accounts_of *a, int fd)
{
	struct dirent **found;
	int n = scandirat(fd, ".", &found, NULL, NULL);

	for (int i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof owned / sizeof owned[0]; k++)
			if (strncmp(found[i]->d_name, owned[k].prefix, strlen(owned[k].prefix)) == 0)
				tree_give(a, fd, found[i]->d_name, a->uids[owned[k].process], 1);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

/* Only a directory that is `user`'s, or root's, is meant for t3ops alone. */
static void dir_open_up(const struct accounts_of *a, int fd, gid_t group)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (st.st_uid != a->shared && st.st_uid != 0))
		failed(a, "", EPERM);
	else if ((st.st_gid != group && fchown(fd, (uid_t)-1, group) < 0) ||
	         ((st.st_mode & 07777) != SHARED_MODE && fchmod(fd, SHARED_MODE) < 0))
		failed(a, "", errno);
}

void state_dir_share(const struct core_options *options)
{
	struct accounts_of a = {.dir = options->state_dir};
	const struct passwd *pw = geteuid() == 0 ? getpwnam(options->user) : NULL;
	gid_t group = pw ? pw->pw_gid : 0;
	bool any = false;
	int fd;

	if (!pw || pw->pw_uid == 0)
		return;
	a.shared = pw->pw_uid;
	for (enum process_id id = 0; id < PROCESSES; id++) {
		a.uids[id] = a.shared;
		if (id != PROCESS_PROXY) /* it writes nothing */
			any = process_account_own(id, options, &a.uids[id]) || any;
	}
	fd = any ? open(a.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return; /* whoever wants to write there says so */
	dir_open_up(&a, fd, group);
	files_give(&a, fd);
	close(fd);
}
