/* SPDX-License-Identifier: MIT */
/* See managed.h.  What its own updater leaves was read in t3's source, not measured. */
#include "managed.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/database_lock.h"

#define UNIT    "t3code.service"
#define ENABLED "/.config/systemd/user/default.target.wants/" UNIT
#define RUNTIME "/runtime/"
#define GIVE_UP "`t3 service uninstall` as that user leaves the server to t3ops"

const char *managed_name(enum managed m)
{
	static const char *const names[] = {"t3ops", "t3", "both"};

	return names[m];
}

bool argv_runs_below(const char *argv, size_t len, const char *dir)
{
	size_t dir_len = strlen(dir);

	for (size_t at = 0; at < len; at += strnlen(argv + at, len - at) + 1)
		if (len - at > dir_len && strncmp(argv + at, dir, dir_len) == 0)
			return true;
	return false;
}

/* Whether the process that has the database open is one of the updater's. */
static bool server_is_its(const char *base_dir, pid_t pid)
{
	char path[64], dir[PATH_MAX], argv[8192];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, argv, sizeof argv - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0 || snprintf(dir, sizeof dir, "%s" RUNTIME, base_dir) >= (int)sizeof dir)
		return false;
	argv[n] = '\0';
	return argv_runs_below(argv, (size_t)n, dir);
}

static bool is_enabled(const char *home)
{
	char path[PATH_MAX];

	return *home != '\0' && snprintf(path, sizeof path, "%s" ENABLED, home) < (int)sizeof path &&
	       faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The version that its launcher runs; "an unknown version" if it does not say. */
static void active_version(const char *base_dir, char *out, size_t size)
{
	char path[PATH_MAX];
	json_t *state = snprintf(path, sizeof path, "%s" RUNTIME "service-state.json", base_dir) < (int)sizeof path
	                    ? json_load_file(path, 0, NULL)
	                    : NULL;
	const char *version = json_string_value(json_object_get(state, "activeVersion"));

	snprintf(out, size, "%.60s", version != NULL ? version : "an unknown version");
	json_decref(state);
}

enum managed managed_find(const struct t3ops_user *user, const char *base_dir, const char *database, char *text,
                          size_t size)
{
	pid_t pid = database_user(database);
	bool its = pid > 0 && server_is_its(base_dir, pid), enabled = is_enabled(user->home);
	char version[64];

	active_version(base_dir, version, sizeof version);
	if (its || (enabled && pid <= 0)) {
		snprintf(text, size, "t3's own updater %s %s; " GIVE_UP,
		         its ? "runs this user's server with" : "is enabled for this user with", version);
		return MANAGED_T3;
	}
	if (enabled) {
		snprintf(text, size,
		         "t3's own updater is enabled for this user, and process %d, which is none of its, runs the "
		         "server: two servers on one directory would harm the database; " GIVE_UP,
		         (int)pid);
		return MANAGED_BOTH;
	}
	snprintf(text, size, "t3ops, by the link");
	return MANAGED_T3OPS;
}
