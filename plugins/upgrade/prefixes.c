/* SPDX-License-Identifier: MIT */
/* See prefixes.h. */
#include "prefixes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/scratch.h"

#define REMOVED   ".removed" /* behind the name of one that goes */
#define ROOM_PART 4          /* a version may be larger than the ones before it by this part */
#define BLOCK     512        /* of st_blocks */

static int fail(struct prefixes *p, int error, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static int fail(struct prefixes *p, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->channel->why, sizeof p->channel->why, fmt, ap);
	va_end(ap);
	return error;
}

int prefix_of(struct prefixes *p, const char *version, char out[PATH_MAX])
{
	if (*p->dir == '\0')
		return fail(p, -ENOENT, "nothing can be installed without the option versions");
	return snprintf(out, PATH_MAX, "%s/%s", p->dir, version) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool prefix_is_there(const struct prefixes *p, const char *prefix)
{
	return access(prefix, F_OK) == 0 && strcmp(state_text(p->state, "installing"), prefix) != 0;
}

/* ---- room ---------------------------------------------------------------------------------------------------- */

static long long size_of(const char *path)
{
	char *paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV, NULL);
	long long bytes = 0;
	FTSENT *entry;

	while (tree != NULL && (entry = fts_read(tree)))
		if (entry->fts_info == FTS_F || entry->fts_info == FTS_D)
			bytes += (long long)entry->fts_statp->st_blocks * BLOCK;
	if (tree != NULL)
		fts_close(tree);
	return bytes;
}

/* Calls each for every version that is there. */
static void versions_each(const struct prefixes *p, void (*each)(const char *path, void *arg), void *arg)
{
	DIR *d = *p->dir != '\0' ? opendir(p->dir) : NULL;
	struct dirent *entry;
	char path[PATH_MAX];

	while (d != NULL && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", p->dir, entry->d_name) < PATH_MAX)
			each(path, arg);
	if (d != NULL)
		closedir(d);
}

static void largest_take(const char *path, void *arg)
{
	long long *largest = arg, bytes = size_of(path);

	if (bytes > *largest)
		*largest = bytes;
}

long long prefix_predict(const struct prefixes *p, const char *like)
{
	long long largest = 0;

	versions_each(p, largest_take, &largest);
	if (largest == 0 && *like != '\0')
		largest = size_of(like);
	return largest + largest / ROOM_PART;
}

long long prefix_room(const struct prefixes *p)
{
	struct statvfs fs;

	return statvfs(p->dir, &fs) == 0 ? (long long)fs.f_bavail * (long long)fs.f_frsize : -1;
}

/* ---- installing ---------------------------------------------------------------------------------------------- */

static int installing_set(struct prefixes *p, const char *prefix)
{
	if (prefix != NULL)
		json_object_set_new(p->state->all, "installing", json_string(prefix));
	else
		json_object_del(p->state->all, "installing");
	return state_save(p->state, p->channel->why, sizeof p->channel->why);
}

/* Half of one is never seen under its own name; what cannot be removed now is the next time. */
static void prefix_remove(const char *prefix)
{
	char gone[PATH_MAX];

	if (snprintf(gone, sizeof gone, "%s" REMOVED, prefix) >= PATH_MAX)
		return;
	scratch_remove(gone);
	if (rename(prefix, gone) == 0)
		scratch_remove(gone);
}

static int room_check(struct prefixes *p, const char *like)
{
	long long need = prefix_predict(p, like), room = prefix_room(p);

	if (need == 0 || room < 0 || room >= need)
		return 0;
	return fail(p, -ENOSPC, "%.150s: a version takes about %lld MiB, and %lld MiB are free", p->dir, need >> 20,
	            room >> 20);
}

/* What npm wrote is on the disk before the state says that it is whole. */
static int installed_check(struct prefixes *p, const char *version, const char *prefix)
{
	char has[VERSION_SIZE];
	int fd, r = channel_current(p->channel, prefix, has);

	if (r < 0)
		return r;
	if (strcmp(has, version) != 0)
		return fail(p, -EPROTO, "%.200s was to be %s and says that it is %s", prefix, version, has);
	fd = open(prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0)
		r = fail(p, -errno, "%.200s: %s", prefix, strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

int prefix_install(struct prefixes *p, const char *version, const char *like)
{
	const char *half = state_text(p->state, "installing");
	char prefix[PATH_MAX];
	int r = prefix_of(p, version, prefix);

	if (r < 0 || prefix_is_there(p, prefix))
		return r;
	if (*half != '\0')
		prefix_remove(half);
	r = room_check(p, like);
	if (r == 0)
		r = installing_set(p, prefix);
	if (r == 0)
		r = channel_install(p->channel, version, prefix);
	if (r == 0)
		r = installed_check(p, version, prefix);
	if (r < 0) {
		prefix_remove(prefix);
		return r;
	}
	json_object_del(json_object_get(p->state->all, "versions"), prefix);
	return installing_set(p, NULL);
}

/* ---- what is there ------------------------------------------------------------------------------------------- */

const char *prefix_version(struct prefixes *p, const char *prefix)
{
	json_t *versions = json_object_get(p->state->all, "versions");
	const char *known = json_string_value(json_object_get(versions, prefix));
	char has[VERSION_SIZE];

	if (known != NULL)
		return known;
	if (channel_current(p->channel, prefix, has) < 0)
		return "";
	if (versions == NULL) {
		versions = json_object();
		json_object_set_new(p->state->all, "versions", versions);
	}
	json_object_set_new(versions, prefix, json_string(has));
	known = json_string_value(json_object_get(versions, prefix));
	return known != NULL ? known : "";
}

struct needed {
	struct prefixes *prefixes;
	const char *const *list;
};

static void prune_one(const char *path, void *arg)
{
	const struct needed *needed = arg;

	for (size_t i = 0; needed->list[i] != NULL; i++)
		if (strcmp(needed->list[i], path) == 0)
			return;
	prefix_remove(path);
	json_object_del(json_object_get(needed->prefixes->state->all, "versions"), path);
}

void prefixes_prune(struct prefixes *p, const char *const *needed)
{
	struct needed n = {p, needed};

	versions_each(p, prune_one, &n);
}
