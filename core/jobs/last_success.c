/* SPDX-License-Identifier: MIT */
/* {JOB: {USER: seconds since 1970}} in a file; see last_success.h. */
#include "jobs/last_success.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/log.h"

#define KEPT_S (365 * 24 * 3600.0)

struct last_success {
	char *path, *new_path;
	json_t *jobs;
	bool failing;
};

/* NULL with what is wrong in why, "" if there is no such file. */
static json_t *file_read(const char *path, char *why, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	json_error_t error = {0};
	json_t *jobs = NULL;
	struct stat st;

	*why = '\0';
	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0)
		snprintf(why, size, "%s", strerror(errno));
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		snprintf(why, size, "not a regular file");
	else if (!(jobs = json_loadfd(fd, 0, &error)))
		snprintf(why, size, "%s", error.text);
	else if (!json_is_object(jobs))
		snprintf(why, size, "expected an object of jobs");
	if (fd >= 0)
		close(fd);
	if (*why == '\0')
		return jobs;
	json_decref(jobs);
	return NULL;
}

const char *last_success_fault(const char *dir, char *buf, size_t size)
{
	char *path;

	if (asprintf(&path, "%s/job_last_success.json", dir) < 0)
		return NULL;
	json_decref(file_read(path, buf, size));
	free(path);
	return *buf ? buf : NULL;
}

static json_t *jobs_read(const struct last_success *l)
{
	char why[200];
	json_t *jobs = file_read(l->path, why, sizeof why);

	if (jobs)
		return jobs;
	if (*why)
		log_write(LOG_L_WARNING, "last_success_failed", kv_path(l->path), kv_error(why),
		          kv_effect("it is not known when jobs last succeeded"));
	return json_object();
}

struct last_success *last_success_open(const char *dir)
{
	struct last_success *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	if (asprintf(&l->path, "%s/job_last_success.json", dir) < 0)
		l->path = NULL;
	if (!l->path || asprintf(&l->new_path, "%s.new", l->path) < 0)
		l->new_path = NULL;
	if (l->new_path)
		l->jobs = jobs_read(l);
	if (l->jobs)
		return l;
	last_success_close(l);
	return NULL;
}

void last_success_close(struct last_success *l)
{
	if (!l)
		return;
	json_decref(l->jobs);
	free(l->path);
	free(l->new_path);
	free(l);
}

uint64_t last_success_get(const struct last_success *l, const char *job, const char *user)
{
	double seconds = json_number_value(json_object_get(json_object_get(l->jobs, job), user));

	return seconds > 0 && seconds < 1e12 ? (uint64_t)(seconds * 1e6) : 0;
}

static void old_forget(json_t *jobs, double now)
{
	const char *job, *user;
	json_t *users, *seconds;
	void *next;

	json_object_foreach (jobs, job, users)
		json_object_foreach_safe (users, next, user, seconds)
			if (now - json_number_value(seconds) > KEPT_S)
				json_object_del(users, user);
}

static int file_write(const struct last_success *l)
{
	FILE *out = fopen(l->new_path, "we");
	bool ok;

	if (!out)
		return -errno;
	ok = json_dumpf(l->jobs, out, JSON_INDENT(1) | JSON_SORT_KEYS) == 0;
	ok = fclose(out) == 0 && ok && rename(l->new_path, l->path) == 0;
	return ok ? 0 : -(errno ? errno : EIO);
}

void last_success_set(struct last_success *l, const char *job, const char *user, uint64_t wall_us)
{
	json_t *users = json_object_get(l->jobs, job);
	double now = (double)wall_us / 1e6;
	int r;

	if (!json_is_object(users)) {
		json_object_set_new(l->jobs, job, json_object());
		users = json_object_get(l->jobs, job);
	}
	json_object_set_new(users, user, json_real(now));
	old_forget(l->jobs, now);
	errno = 0;
	r = file_write(l);
	if (r < 0 && !l->failing)
		log_write(LOG_L_WARNING, "last_success_failed", kv_path(l->path), kv_errno(r),
		          kv_effect("a restart forgets when jobs last succeeded"));
	l->failing = r < 0;
}
