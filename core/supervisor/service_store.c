/* SPDX-License-Identifier: MIT */
/* The datagrams, and the environment; see service_store.h. */
#include "supervisor/service_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obs/log.h"
#include "supervisor/notify.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

static void failed(const char *name, int error)
{
	log_write(LOG_L_WARNING, "notify_failed", kv_path(getenv("NOTIFY_SOCKET")), kv_errno(error),
	          kv_effect(textf("%s is not kept for a supervisor that follows a killed one", name)));
}

void service_store_put(const char *name, int fd)
{
	int r = notify_send_fd(textf("FDSTORE=1\nFDNAME=%s", name), fd);

	if (r < 0)
		failed(name, r);
}

void service_store_remove(const char *name)
{
	int r = notify_send(textf("FDSTOREREMOVE=1\nFDNAME=%s", name));

	if (r < 0)
		failed(name, r);
}

/* How many are this process's; those of a parent are not. */
static int count(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	return pid && n && strtol(pid, NULL, 10) == getpid() ? (int)strtol(n, NULL, 10) : 0;
}

/* The next of "a:b:c"; "": there is none. */
static const char *name_next(const char **names, char out[SERVICE_NAME_SIZE])
{
	size_t len = strcspn(*names, ":");

	snprintf(out, SERVICE_NAME_SIZE, "%.*s", (int)len, *names);
	*names += len + ((*names)[len] == ':');
	return out;
}

void service_store_take(bool (*on_kept)(void *arg, const char *name, int fd), void *arg)
{
	const char *given = getenv("LISTEN_FDNAMES"), *names = given ? given : ""; /* who names none may pass some */
	int n = count();
	char name[SERVICE_NAME_SIZE];

	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		name_next(&names, name);
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || on_kept(arg, name, fd))
			continue;
		close(fd);
		if (name[0] != '\0')
			service_store_remove(name);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}
