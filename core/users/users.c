/* SPDX-License-Identifier: MIT */
/* The user table on a loop: watched, re-read, the last good one kept; see users.h. */
#include "users/users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/log.h"
#include "users/user_snapshot.h"

#define TABLE_MAX_BYTES (4 << 20)
#define SETTLE_SECONDS  0.05 /* an editor writes in several steps */
#define MORE_SIZE       48   /* of " (and 4095 more; t3ops -t names them)" */
#define STABLE_SECONDS  1.0  /* a file that nobody closed counts once it has not changed for so long */
#define POLL_SECONDS    10.0 /* where inotify does not see it: network file systems, env files */

/* What tells one state of a file from another. */
struct look {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct users {
	struct ev_loop *loop;
	struct ev_io inotify;
	struct ev_timer settle, poll;
	struct look read, seen; /* the table's file: when it was read last, and when it was looked at last */
	char *path, *env_pattern;
	users_changed_cb on_changed;
	users_state_cb on_state;
	void *arg;
	struct user_snapshot *snapshot;
	struct user_list list;
	bool known; /* the list is a table that was good once */
	enum users_state state;
	char why[320]; /* as it was reported last */
};

/* The whole file, NUL-terminated; NULL with errno. */
static char *file_read(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= TABLE_MAX_BYTES)
		text = malloc((size_t)st.st_size + 1);
	else
		errno = EFBIG;
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	if (n < 0) {
		free(text);
		text = NULL;
	} else {
		text[n] = '\0';
		*len = (size_t)n;
	}
	close(fd);
	return text;
}

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

static bool lists_equal(const struct user_list *a, const struct user_list *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->rows, b->rows, a->n * sizeof a->rows[0]) == 0);
}

void users_state_log(void *arg, enum users_state state, const char *why)
{
	(void)arg;
	if (state == USERS_GOOD)
		log_write(LOG_L_NOTICE, "users_recovered");
	else
		log_write(LOG_L_WARNING, state == USERS_BROKEN ? "users_broken" : "users_partial", kv_error(why));
}

static void state_set(struct users *u, enum users_state state, const char *why)
{
	char line[sizeof u->why] = "";

	if (state != USERS_GOOD)
		snprintf(line, sizeof line, "%.200s: %s", u->path, why);
	if (u->state == state && strcmp(u->why, line) == 0)
		return;
	u->state = state;
	strcpy(u->why, line);
	if (u->on_state)
		u->on_state(u->arg, state, state == USERS_GOOD ? NULL : u->why);
}

static void broken(struct users *u, const char *why)
{
	char line[256];

	snprintf(line, sizeof line, "%.200s; %s", why,
	         u->known ? "the last valid table stays active" : "there is no earlier table");
	state_set(u, USERS_BROKEN, line);
}

/* The process does not start then. */
static void refused(struct users *u, const char *why)
{
	state_set(u, USERS_BROKEN, why);
}

/* At the start there is no last good table but what a process before left. */
static void broken_at_first(struct users *u, const char *why)
{
	char line[256];

	u->known = snapshot_get(u->snapshot, &u->list);
	snprintf(line, sizeof line, "%.200s; %s", why,
	         u->known ? "the table of the previous process stays active" : "there is no earlier table");
	state_set(u, USERS_BROKEN, line);
}

int user_list_load(struct user_list *out, const char *path, const char *env_pattern, char *why, size_t why_size)
{
	size_t len = 0;
	char *text = file_read(path, &len);
	int r;

	*out = (struct user_list){0};
	if (!text) {
		snprintf(why, why_size, "%s",
		         errno == EFBIG ? "not a regular file, or larger than a table may be" : strerror(errno));
		return -EINVAL;
	}
	r = user_list_parse(out, text, len, env_pattern, why, why_size);
	free(text);
	return r;
}

static void list_replace(struct users *u, struct user_list *fresh)
{
	struct user_list before = u->list;
	bool same = u->known && lists_equal(fresh, &u->list);

	u->list = *fresh;
	u->known = true;
	if (!same && u->on_changed)
		u->on_changed(u->arg, &before, &u->list);
	user_list_fini(&before);
}

/* Users without a place keep the one that they had; those who had none are left out. */
static void ports_settle(struct user_list *fresh, const struct user_list *last)
{
	size_t kept = 0;

	for (size_t i = 0; i < fresh->n; i++) {
		struct user *row = &fresh->rows[i];
		bool lacks = row->port == 0 && row->socket[0] == '\0';
		const struct user *was = lacks ? user_list_find(last, row->name) : NULL;

		if (was && strcmp(was->os_user, row->os_user) == 0) {
			row->port = was->port;
			strcpy(row->socket, was->socket);
		}
		if (row->port != 0 || row->socket[0] != '\0')
			fresh->rows[kept++] = *row;
	}
	fresh->n = kept;
}

/* What the users without a port had before, in this process or in the one before it. */
static void portless_settle(const struct users *u, struct user_list *fresh)
{
	struct user_list left;

	if (u->known) {
		ports_settle(fresh, &u->list);
		return;
	}
	snapshot_get(u->snapshot, &left);
	ports_settle(fresh, &left);
	user_list_fini(&left);
}

static void table_read(struct users *u, void (*on_fault)(struct users *u, const char *why))
{
	struct user_list fresh;
	char why[240];
	int faults;

	u->read = u->seen = look_at(u->path);
	faults = user_list_load(&fresh, u->path, u->env_pattern, why, sizeof why - MORE_SIZE);
	if (faults < 0) {
		user_list_fini(&fresh);
		on_fault(u, why);
		return;
	}
	if (faults > 1)
		snprintf(why + strlen(why), sizeof why - strlen(why), " (and %d more; t3ops -t names them)",
		         faults - 1);
	if (faults > 0)
		portless_settle(u, &fresh);
	state_set(u, faults > 0 ? USERS_PARTIAL : USERS_GOOD, why);
	snapshot_put(u->snapshot, &fresh);
	list_replace(u, &fresh);
}

static void settle_start(struct users *u, double seconds)
{
	ev_timer_stop(u->loop, &u->settle);
	ev_timer_set(&u->settle, seconds, 0.);
	ev_timer_start(u->loop, &u->settle);
}

static bool is_table(const struct users *u, const struct inotify_event *e)
{
	const char *slash = strrchr(u->path, '/');

	return e->len > 0 && strcmp(e->name, slash ? slash + 1 : u->path) == 0;
}

/* Whoever wrote the table closed it, or moved another one into its place: it is whole. */
static void on_inotify(struct ev_loop *loop, struct ev_io *w, int revents)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct users *u = w->data;
	ssize_t n;

	(void)loop, (void)revents;
	while ((n = read(w->fd, buffer, sizeof buffer)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buffer + at);

			if (is_table(u, e))
				u->seen = look_at(u->path);
			at += (ssize_t)(sizeof *e + e->len);
		}
	settle_start(u, SETTLE_SECONDS);
}

/* A table that is being written is left alone until two looks at it agree. */
static void on_due(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct users *u = w->data;
	struct look now = look_at(u->path);
	bool stable = looks_equal(&now, &u->read) || looks_equal(&now, &u->seen);

	(void)loop, (void)revents;
	u->seen = now;
	if (stable)
		table_read(u, broken);
	else
		settle_start(u, STABLE_SECONDS);
}

/* Watches the directory of a file: a rename over it is then seen, too. */
static void dir_watch(int fd, const char *path)
{
	char directory[512];
	const char *slash = strrchr(path, '/');
	int n = slash ? snprintf(directory, sizeof directory, "%.*s/", (int)(slash - path), path)
	              : snprintf(directory, sizeof directory, ".");

	if (n > 0 && (size_t)n < sizeof directory)
		inotify_add_watch(fd, directory, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE); /* else: the poll */
}

static void watch_start(struct users *u)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ev_timer_init(&u->settle, on_due, SETTLE_SECONDS, 0.);
	ev_timer_init(&u->poll, on_due, POLL_SECONDS, POLL_SECONDS);
	ev_io_init(&u->inotify, on_inotify, fd, EV_READ);
	u->settle.data = u->poll.data = u->inotify.data = u;
	ev_timer_start(u->loop, &u->poll);
	if (fd < 0)
		return;
	dir_watch(fd, u->path);
	dir_watch(fd, u->env_pattern);
	ev_io_start(u->loop, &u->inotify);
}

struct users *users_new(struct ev_loop *loop, const struct users_source *source, users_changed_cb on_changed,
                        users_state_cb on_state, void *arg)
{
	struct users *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	u->loop = loop;
	u->on_changed = on_changed;
	u->on_state = on_state;
	u->arg = arg;
	u->snapshot = source->snapshot;
	u->path = strdup(source->path);
	u->env_pattern = strdup(source->env_pattern);
	if (!u->path || !u->env_pattern) {
		free(u->path);
		free(u->env_pattern);
		free(u);
		return NULL;
	}
	watch_start(u);
	table_read(u, source->must_read ? refused : broken_at_first);
	if (!source->must_read || u->state != USERS_BROKEN)
		return u;
	users_free(u);
	errno = EINVAL;
	return NULL;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	ev_timer_stop(u->loop, &u->settle);
	ev_timer_stop(u->loop, &u->poll);
	ev_io_stop(u->loop, &u->inotify);
	if (u->inotify.fd >= 0)
		close(u->inotify.fd);
	user_list_fini(&u->list);
	free(u->path);
	free(u->env_pattern);
	free(u);
}

bool users_are_known(const struct users *u)
{
	return u->known;
}

const struct user_list *users_list(const struct users *u)
{
	return &u->list;
}

const struct user *users_find(const struct users *u, const char *name)
{
	return user_list_find(&u->list, name);
}
