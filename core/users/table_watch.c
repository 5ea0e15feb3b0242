/* SPDX-License-Identifier: MIT */
/* inotify, and looks at the file; see table_watch.h. */
#include "users/table_watch.h"

#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

#define SETTLE_US   UINT64_C(50000)    /* an editor writes in several steps */
#define STABLE_US   UINT64_C(1000000)  /* a file that nobody closed counts once it has not changed for so long */
#define POLL_US     UINT64_C(10000000) /* where inotify does not see it: network file systems, say */
#define LOCAL_US    UINT64_C(60000000) /* where it sees the table, and no env file lies deeper than its watch */
#define ACCOUNTS    "/etc/passwd"      /* those that others keep are asked for at the next look */
#define WATCHES_MAX 64                 /* directories on the way to two files; the poll has the rest */

/* What tells one state of a file from another. */
struct look {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

/* An entry of a directory that matters. */
struct watched {
	int wd;
	char name[NAME_MAX + 1]; /* "": each of them does */
	bool is_table;
};

struct table_watch {
	const char *path, *env_pattern;
	int inotify; /* -1: the poll is all there is */
	struct watched watched[WATCHES_MAX];
	size_t n;
	struct look read, seen; /* the table's file: when it was read last, and when it was looked at last */
	uint64_t due_us;
};

static struct look look_at(const char *path)
{
	struct look l = {0};
	struct stat st;

	if (stat(path, &st) == 0)
		l = (struct look){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
	return l;
}

static bool looks_equal(const struct look *a, const struct look *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* ---- what is watched ------------------------------------------------------------------------------------------- */

static void entry_watch(struct table_watch *w, const char *dir, const char *name, size_t len, bool is_table)
{
	struct watched *entry = &w->watched[w->n];

	if (w->n == WATCHES_MAX || len >= sizeof entry->name)
		return;
	entry->wd = inotify_add_watch(
	    w->inotify, dir, IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
	if (entry->wd < 0)
		return;
	memcpy(entry->name, name, len);
	entry->name[len] = '\0';
	entry->is_table = is_table;
	w->n++;
}

/* Each entry on the way; of a pattern, all entries where its mark begins. */
static void path_watch(struct table_watch *w, const char *path, bool is_table)
{
	const char *mark = is_table ? NULL : strstr(path, "%u");
	char dir[PATH_MAX];

	if (strlen(path) >= sizeof dir)
		return;
	for (const char *at = path; *at != '\0'; at = strchrnul(at, '/')) {
		const char *name = at + strspn(at, "/"), *end = strchrnul(name, '/');
		bool is_last = *end == '\0' || (mark && mark < end);

		if (name == end)
			return;
		snprintf(dir, sizeof dir, "%.*s", name == path ? 1 : (int)(name - path), name == path ? "." : path);
		entry_watch(w, dir, name, mark && mark < end ? 0 : (size_t)(end - name), is_table && is_last);
		if (is_last)
			return;
		at = end;
	}
}

static void watches_renew(struct table_watch *w)
{
	char real[PATH_MAX];

	if (w->inotify >= 0)
		close(w->inotify);
	w->n = 0;
	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->inotify < 0)
		return;
	path_watch(w, w->path, true);
	path_watch(w, w->env_pattern, false);
	path_watch(w, ACCOUNTS, false);
	if (realpath(w->path, real) && strcmp(real, w->path) != 0)
		path_watch(w, real, true);
}

/* Sets *is_table if whoever wrote the table closed it, or moved another one into its place: it is whole. */
static bool event_matters(const struct table_watch *w, const struct inotify_event *e, bool *is_table)
{
	const char *name = e->len > 0 ? e->name : "";
	bool matters = (e->mask & (IN_IGNORED | IN_Q_OVERFLOW)) != 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct watched *entry = &w->watched[i];

		if (entry->wd != e->wd || (entry->name[0] != '\0' && strcmp(entry->name, name) != 0))
			continue;
		/* a file that is made is not written yet */
		matters = matters || !(e->mask & IN_CREATE) || (e->mask & IN_ISDIR);
		*is_table = *is_table || (entry->is_table && !(e->mask & IN_CREATE));
	}
	return matters;
}

static void due_by(struct table_watch *w, uint64_t after_us)
{
	uint64_t due_us = clock_mono_us() + after_us;

	w->due_us = due_us < w->due_us ? due_us : w->due_us;
}

static void events_read(struct table_watch *w)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool is_table = false, matters = false;
	ssize_t n;

	while ((n = read(w->inotify, buffer, sizeof buffer)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buffer + at);

			matters = event_matters(w, e, &is_table) || matters;
			at += (ssize_t)(sizeof *e + e->len);
		}
	if (is_table)
		w->seen = look_at(w->path);
	if (matters)
		due_by(w, SETTLE_US);
}

/* ---- waiting --------------------------------------------------------------------------------------------------- */

struct table_watch *table_watch_new(const char *path, const char *env_pattern)
{
	struct table_watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->path = path;
	w->env_pattern = env_pattern;
	w->inotify = -1;
	return w;
}

/* Only this machine changes what lies there. */
static bool is_local(const char *path)
{
	static const unsigned long local[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC};
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
		if ((unsigned long)fs.f_type == local[i])
			return true;
	return false;
}

static bool is_seen(const struct table_watch *w)
{
	const char *mark = strstr(w->env_pattern, "%u");

	return w->inotify >= 0 && (!mark || !strchr(mark, '/')) && is_local(w->path);
}

void table_watch_begin(struct table_watch *w)
{
	watches_renew(w);
	w->read = w->seen = look_at(w->path);
	w->due_us = clock_mono_us() + (is_seen(w) ? LOCAL_US : POLL_US);
}

/* A table that is being written is left alone until two looks at it agree. */
static bool is_stable(struct table_watch *w)
{
	struct look now = look_at(w->path);
	bool stable = looks_equal(&now, &w->read) || looks_equal(&now, &w->seen);

	w->seen = now;
	if (!stable)
		w->due_us = clock_mono_us() + STABLE_US;
	return stable;
}

bool table_watch_wait(struct table_watch *w, int stop_fd)
{
	struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = w->inotify, .events = POLLIN}};

	for (;;) {
		uint64_t now_us = clock_mono_us();
		int left_ms = now_us < w->due_us ? (int)((w->due_us - now_us) / 1000) + 1 : 0;

		poll(fds, 2, left_ms);
		if (fds[0].revents != 0)
			return false;
		if (fds[1].revents != 0)
			events_read(w);
		else if (clock_mono_us() >= w->due_us && is_stable(w))
			return true;
	}
}
