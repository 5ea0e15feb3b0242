/* SPDX-License-Identifier: MIT */
/* See state.h. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "text_json.h"

#define NAME     "state.json"
#define NEW_NAME "state.json.new"

static int say(char *why, size_t size, const char *path, int error)
{
	snprintf(why, size, "%.200s: %s", path, strerror(-error));
	return error;
}

/* ---- the file ------------------------------------------------------------------------------------------------ */

/* One that is damaged is an error: it may be all that is known of a rollout. */
static int all_read(struct state *s, char *why, size_t size)
{
	int fd = openat(s->dir_fd, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	json_error_t error;

	s->all = fd < 0 && errno == ENOENT ? json_object() : fd >= 0 ? json_loadfd(fd, 0, &error) : NULL;
	if (fd >= 0)
		close(fd);
	if (json_is_object(s->all))
		return 0;
	snprintf(why, size, "%.200s/" NAME " cannot be read: look at it, then mend or remove it", s->dir);
	return -EBADMSG;
}

int state_open(struct state *s, const char *base, const char *user, char *why, size_t size)
{
	*s = (struct state){.dir_fd = -1};
	if (snprintf(s->dir, sizeof s->dir, "%s/%s", base, user) >= (int)sizeof s->dir)
		return say(why, size, base, -ENAMETOOLONG);
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return say(why, size, s->dir, -errno);
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return say(why, size, s->dir, -EBUSY);
	return all_read(s, why, size);
}

void state_close(struct state *s)
{
	json_decref(s->all);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
}

int state_save(struct state *s, char *why, size_t size)
{
	int fd = openat(s->dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && (json_dumpfd(s->all, fd, JSON_INDENT(1) | JSON_SORT_KEYS) < 0 || fsync(fd) < 0))
		r = -EIO;
	if (fd >= 0)
		close(fd);
	if (r == 0 && (renameat(s->dir_fd, NEW_NAME, s->dir_fd, NAME) < 0 || fsync(s->dir_fd) < 0))
		r = -errno;
	return r < 0 ? say(why, size, s->dir, r) : 0;
}

const char *state_text(const struct state *s, const char *key)
{
	const char *text = json_string_value(json_object_get(s->all, key));

	return text != NULL ? text : "";
}

/* ---- the link ------------------------------------------------------------------------------------------------ */

int link_read(const struct state *s, char out[PATH_MAX])
{
	ssize_t n = readlinkat(s->dir_fd, "current", out, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	return 0;
}

int link_set(struct state *s, const char *prefix)
{
	unlinkat(s->dir_fd, "current.new", 0);
	if (symlinkat(prefix, s->dir_fd, "current.new") < 0 ||
	    renameat(s->dir_fd, "current.new", s->dir_fd, "current") < 0 || fsync(s->dir_fd) < 0)
		return -errno;
	return 0;
}

/* ---- freezing and rejecting ---------------------------------------------------------------------------------- */

const char *state_frozen(const struct state *s, long long now_s)
{
	const json_t *frozen = json_object_get(s->all, "frozen");
	long long until_s = json_integer_value(json_object_get(frozen, "until"));

	const char *why = json_string_value(json_object_get(frozen, "why"));

	if (frozen == NULL || (until_s > 0 && now_s >= until_s))
		return NULL;
	return why != NULL ? why : "no reason is known";
}

void state_freeze(struct state *s, const char *why, long long now_s, long long until_s)
{
	json_object_set_new(s->all, "frozen",
	                    json_pack("{s:o, s:I, s:I}", "why", text_json(why), "time", (json_int_t)now_s, "until",
	                              (json_int_t)until_s));
}

const char *state_rejected(const struct state *s, const char *prefix)
{
	const json_t *row = json_object_get(json_object_get(s->all, "rejected"), prefix);

	return json_string_value(json_object_get(row, "reason"));
}

void state_reject(struct state *s, const char *prefix, const char *reason, long long now_s)
{
	json_t *rejected = json_object_get(s->all, "rejected");

	if (rejected == NULL) {
		rejected = json_object();
		json_object_set_new(s->all, "rejected", rejected);
	}
	json_object_set_new(rejected, prefix,
	                    json_pack("{s:o, s:I}", "reason", text_json(reason), "time", (json_int_t)now_s));
}

void state_pardon(struct state *s, const char *prefix)
{
	json_object_del(json_object_get(s->all, "rejected"), prefix);
}
