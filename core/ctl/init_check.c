/* SPDX-License-Identifier: MIT */
/* Runs the daemon's own check on what init is about to write, in a directory that stands for the root of the machine.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/init_check.h"
#include "ctl/init_values.h"

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static bool failed(const char *what, int error)
{
	fprintf(stderr, "t3opsctl: init: %s: %s\n", what, strerror(error));
	return false;
}

/* A directory that the service manager or the installation makes on a real machine. */
static void runtime_dir_make(const char *root, const char *dir, const struct passwd *owner)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s%s", root, dir);
	for (char *slash = strchr(path + strlen(root) + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		mkdir(path, 0755);
		if (slash == NULL)
			break;
		*slash = '/';
	}
	if (owner != NULL && geteuid() == 0 && chown(path, owner->pw_uid, owner->pw_gid) < 0)
		failed(path, errno);
}

/* The table that stays is looked at where it is. */
static void table_link(const struct init_answers *a, const char *copy)
{
	char from[PATH_MAX], to[PATH_MAX], dir[PATH_MAX];

	snprintf(from, sizeof from, "%s%s", a->root, init_answer(a, "users-file"));
	snprintf(to, sizeof to, "%s%s", copy, init_answer(a, "users-file"));
	snprintf(dir, sizeof dir, "%.*s",
	         (int)(strrchr(init_answer(a, "users-file"), '/') - init_answer(a, "users-file")),
	         init_answer(a, "users-file"));
	runtime_dir_make(copy, dir, NULL);
	if (symlink(from, to) < 0 && errno != EEXIST)
		failed(to, errno);
}

static void line_print(const char *line, const char *copy)
{
	for (const char *at; (at = strstr(line, copy)) != NULL; line = at + strlen(copy))
		fprintf(stderr, "%.*s", (int)(at - line), line);
	fputs(line, stderr);
}

/* Standard error of the check, as if the copies were the files. */
static int said_print(FILE *said, const char *copy)
{
	char line[8192];

	while (fgets(line, sizeof line, said) != NULL)
		line_print(line, copy);
	return 0;
}

/* t3ops -t; its exit status. */
static int check_run(const char *program, const char *conf, const char *copy)
{
	char *argv[] = {(char *)program, (char *)"-t", (char *)"-c", (char *)conf, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], status = -1, r;
	pid_t pid;
	FILE *said;

	if (pipe(ends) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1 /* O_WRONLY */, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	r = posix_spawn(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	said = fdopen(ends[0], "r");
	if (said == NULL)
		abort();
	if (r == 0)
		said_print(said, copy);
	fclose(said);
	if (r != 0)
		failed(program, r);
	return r == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool copies_check(const struct init_answers *a, const struct init_files *copies, const char *copy)
{
	const struct passwd *owner = getpwnam(init_answer(a, "account"));
	char conf[PATH_MAX];

	runtime_dir_make(copy, T3OPS_LOCALSTATEDIR "/lib/t3ops", owner);
	runtime_dir_make(copy, T3OPS_LOCALSTATEDIR "/backups/t3-state", NULL);
	runtime_dir_make(copy, T3OPS_RUNSTATEDIR "/t3ops", NULL);
	if (strcmp(init_answer(a, "users"), "keep") == 0)
		table_link(a, copy);
	snprintf(conf, sizeof conf, "%s" T3OPS_SYSCONFDIR "/t3ops/t3ops.conf", copy);
	return init_files_write(copies, copy, false) && check_run(init_answer(a, "daemon"), conf, copy) == 0;
}

bool init_check(const struct init_answers *a)
{
	char copy[] = "/tmp/t3ops-init.XXXXXX";
	struct init_files copies;
	json_t *values;
	bool ok;

	if (mkdtemp(copy) == NULL || chmod(copy, 0755) < 0)
		return failed(copy, errno);
	values = init_values_make(a, copy);
	/* Env files that are there already are needed beside. */
	json_object_set(values, "ENV_FILES", json_object_get(values, "SERVERS"));
	ok = init_files_make(&copies, init_answer(a, "templates"), values) && copies_check(a, &copies, copy);
	init_files_fini(&copies);
	json_decref(values);
	nftw(copy, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
	return ok;
}
