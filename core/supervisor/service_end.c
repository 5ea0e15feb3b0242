/* SPDX-License-Identifier: MIT */
/* Ending what is left of a service; see service_end.h. */
#include "supervisor/service_end.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS   50
#define ROUND_NS 100000000

/* Where a hierarchy is mounted, by how its line in /proc/self/cgroup begins behind the number. */
static const struct {
	const char *line, *root;
} hierarchies[] = {
    {":name=systemd:", "/sys/fs/cgroup/systemd"}, {"::", "/sys/fs/cgroup"}, {"::", "/sys/fs/cgroup/unified"}};

/* The list of that hierarchy's group; NULL: there is none. */
static FILE *list_of_line(const char *line)
{
	const char *colon = strchr(line, ':');
	char path[PATH_MAX];
	FILE *list = NULL;

	for (size_t i = 0; colon && !list && i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
		size_t len = strlen(hierarchies[i].line);

		if (strncmp(colon, hierarchies[i].line, len) != 0 || strcmp(colon + len, "/") == 0)
			continue; /* a group of everything is no service's */
		snprintf(path, sizeof path, "%s%s/cgroup.procs", hierarchies[i].root, colon + len);
		list = fopen(path, "re");
	}
	return list;
}

static FILE *list_open(void)
{
	FILE *groups = fopen("/proc/self/cgroup", "re"), *list = NULL;
	char line[PATH_MAX];

	while (groups && !list && fgets(line, sizeof line, groups)) {
		line[strcspn(line, "\n")] = '\0';
		list = list_of_line(line);
	}
	if (groups)
		fclose(groups);
	return list;
}

/* Whether there was anybody. */
static bool all_kill(void)
{
	FILE *list = list_open();
	bool any = false;
	int pid;

	while (list && fscanf(list, "%d", &pid) == 1) {
		if (pid <= 1 || pid == getpid())
			continue;
		any = true;
		kill(pid, SIGKILL);
	}
	if (list)
		fclose(list);
	return any;
}

/* After a crash the result is another one, and the processes that outlived it are wanted. */
static bool is_stopped(void)
{
	const char *result = getenv("SERVICE_RESULT");

	return result && (strcmp(result, "success") == 0 || strcmp(result, "timeout") == 0);
}

int service_end(void)
{
	const struct timespec pause = {.tv_nsec = ROUND_NS};

	for (int i = 0; is_stopped() && i < ROUNDS; i++) {
		if (!all_kill())
			return EXIT_SUCCESS;
		nanosleep(&pause, NULL);
	}
	return is_stopped() ? EXIT_FAILURE : EXIT_SUCCESS;
}
