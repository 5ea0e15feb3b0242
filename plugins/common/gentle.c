/* SPDX-License-Identifier: MIT */
/* Priorities, and pauses under pressure; see gentle.h. */
#include "common/gentle.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/due.h"

#define NICE      10
#define LOOK_US   500000
#define PAUSE_US  250000
#define IO_LOWEST 7

void gentle_priorities(void)
{
	setpriority(PRIO_PROCESS, 0, NICE);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IO_LOWEST));
}

static long long file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

void gentle_begin(struct gentle *g, const char *wal, uint64_t until_us)
{
	uint64_t now = due_now_us();

	*g = (struct gentle){.pressure_dir = "/proc/pressure", .wal = wal, .looked_us = now};
	g->until_us = until_us > now ? now + (until_us - now) / 2 : now;
	g->wal_before = file_size(wal);
}

long long gentle_wal_grown(const struct gentle *g)
{
	long long grown = file_size(g->wal) - g->wal_before;

	return grown > 0 ? grown : 0;
}

double gentle_avg10(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	const char *value = at != NULL ? strstr(at, "avg10=") : NULL;
	const char *end = at != NULL ? strchrnul(at, '\n') : NULL;

	return value != NULL && value < end ? strtod(value + strlen("avg10="), NULL) : 0.0;
}

static double pressure(const struct gentle *g, const char *what, const char *line)
{
	char path[256], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/%s", g->pressure_dir, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return 0.0; /* a kernel without it */
	text[n] = '\0';
	return gentle_avg10(text, line);
}

static bool is_strained(const struct gentle *g)
{
	return pressure(g, "memory", "some") >= GENTLE_MEMORY_SOME || pressure(g, "io", "full") >= GENTLE_IO_FULL;
}

void gentle_pause(struct gentle *g)
{
	uint64_t now = due_now_us();

	if (now < g->looked_us + LOOK_US)
		return;
	while (now < g->until_us && is_strained(g) && gentle_wal_grown(g) < GENTLE_WAL_MAX) {
		usleep(PAUSE_US);
		g->paused_us += due_now_us() - now;
		now = due_now_us();
	}
	g->looked_us = now;
}
