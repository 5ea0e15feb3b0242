/* SPDX-License-Identifier: MIT */
/* See drill_record.h. */
#include "drill_record.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD "drill.json"
#define NEW    ".drill.new"

void drill_record_read(int dir_fd, struct drill_record *record)
{
	int fd = openat(dir_fd, RECORD, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	json_t *o = fd >= 0 ? json_loadfd(fd, 0, NULL) : NULL;
	const char *error = json_string_value(json_object_get(o, "error"));

	*record = (struct drill_record){.succeeded_s = json_integer_value(json_object_get(o, "succeeded")),
	                                .failed_s = json_integer_value(json_object_get(o, "failed"))};
	snprintf(record->error, sizeof record->error, "%s", error != NULL ? error : "");
	json_decref(o);
	if (fd >= 0)
		close(fd);
}

static int text_write(int dir_fd, const char *name, const json_t *o)
{
	int fd, r;

	unlinkat(dir_fd, name, 0);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	errno = 0;
	r = json_dumpfd(o, fd, JSON_INDENT(1)) < 0 || fsync(fd) < 0 ? -(errno != 0 ? errno : EIO) : 0;
	close(fd);
	return r;
}

int drill_record_write(int dir_fd, const struct drill_record *record)
{
	json_t *o = json_pack("{s:I, s:I, s:s}", "succeeded", (json_int_t)record->succeeded_s, "failed",
	                      (json_int_t)record->failed_s, "error", record->error);
	int r = o != NULL ? text_write(dir_fd, NEW, o) : -ENOMEM;

	json_decref(o);
	if (r == 0 && (renameat(dir_fd, NEW, dir_fd, RECORD) < 0 || fsync(dir_fd) < 0))
		r = -errno;
	return r;
}

bool drill_record_is_due(const struct drill_record *record, long long every_us, long long now_s)
{
	long long last = record->succeeded_s > record->failed_s ? record->succeeded_s : record->failed_s;

	if (every_us <= 0)
		return false;
	return last > now_s || (now_s - last) * 1000000 >= every_us; /* later than now: of a clock that was wrong */
}
