/* SPDX-License-Identifier: MIT */
/* /proc/pressure, opened for writing; see pressure_triggers.h. */
#include "supervisor/pressure_triggers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "obs/log.h"

/* So much of a second is far less than what the diagnosis takes for evidence (diagnosis/incident_timing.h). */
static const struct {
	const char *path, *state;
	unsigned stall_us;
} files[PRESSURE_TRIGGERS] = {{"/proc/pressure/memory", "some", 10000},
                              {"/proc/pressure/io", "full", 20000},
                              {"/proc/pressure/cpu", "some", 50000}};

/* Since Linux 6.5 everybody may wait for what happens in two seconds; what happens in one is noticed at once. */
static int trigger_set(int fd, const char *state, unsigned stall_us)
{
	char text[64];

	for (unsigned seconds = 1; seconds <= 2; seconds++) {
		int len = snprintf(text, sizeof text, "%s %u %u", state, stall_us * seconds, seconds * 1000000);

		if (write(fd, text, (size_t)len + 1) > 0)
			return 0;
	}
	return -errno;
}

static int trigger_open(size_t i)
{
	int fd = open(files[i].path, O_RDWR | O_NONBLOCK | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = trigger_set(fd, files[i].state, files[i].stall_us);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

void pressure_triggers_open(struct pressure_triggers *t)
{
	for (t->n = 0; t->n < PRESSURE_TRIGGERS; t->n++) {
		int fd = trigger_open(t->n);

		if (fd >= 0) {
			t->fds[t->n] = fd;
			continue;
		}
		log_write(LOG_L_INFO, "pressure_polled", kv_path(files[t->n].path), kv_errno(fd),
		          kv_effect("the monitor looks at this machine each second, also while nothing happens"),
		          kv_hint("Linux 6.5 or later, or CAP_SYS_RESOURCE at the start"));
		pressure_triggers_close(t);
		return;
	}
}

void pressure_triggers_close(struct pressure_triggers *t)
{
	while (t->n > 0)
		close(t->fds[--t->n]);
}

json_t *pressure_triggers_json(const struct pressure_triggers *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(list, json_integer(t->fds[i]));
	return list;
}

void pressure_triggers_survive(const struct pressure_triggers *t, bool yes)
{
	for (size_t i = 0; i < t->n; i++)
		fcntl(t->fds[i], F_SETFD, yes ? 0 : FD_CLOEXEC);
}

void pressure_triggers_adopt(struct pressure_triggers *t, const json_t *state)
{
	size_t i;
	json_t *fd;

	if (json_array_size(state) != PRESSURE_TRIGGERS) {
		pressure_triggers_open(t);
		return;
	}
	json_array_foreach (state, i, fd)
		t->fds[i] = (int)json_integer_value(fd);
	t->n = PRESSURE_TRIGGERS;
	pressure_triggers_survive(t, false);
}
