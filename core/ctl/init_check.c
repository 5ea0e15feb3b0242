/* SPDX-License-Identifier: MIT */
/* Runs the daemon's own check on what init is about to write, in a directory that stands for the root of the machine.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/init_check.h"
#include "ctl/init_values.h"
#include "ctl/run_program.h"

#define CHECK_TIMEOUT_MS 60000

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

static void text_print(const char *text, const char *copy)
{
	for (const char *at; (at = strstr(text, copy)) != NULL; text = at + strlen(copy))
		fprintf(stderr, "%.*s", (int)(at - text), text);
	fputs(text, stderr);
}

/* t3ops -t, whose errors and warnings are printed as if the copies were the files; whether it accepts them. */
static bool check_run(const char *program, const char *conf, const char *copy)
{
	char *argv[] = {(char *)program, (char *)"-t", (char *)"-c", (char *)conf, NULL};
	struct run_result *r = malloc(sizeof *r);
	bool ok;

	if (r == NULL)
		abort();
	run_program(argv, NULL, CHECK_TIMEOUT_MS, r);
	text_print(r->err, copy);
	ok = r->status == 0 || (r->status == -1 && failed(program, r->error));
	free(r);
	return ok;
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
	return init_files_write(copies, copy, false) && check_run(init_answer(a, "daemon"), conf, copy);
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
