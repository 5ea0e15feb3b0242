/* SPDX-License-Identifier: MIT */
/* Three looks; see user_absence.h. */
#include "users/user_absence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "users/env_path.h"

#define CONNECT_MS 1000
#define DATABASE   ".t3/userdata/state.sqlite"

/* Seen not to be there; what cannot be looked at may be. */
static bool is_missing(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static bool has_no_database(const struct user *u)
{
	char path[PATH_MAX];

	return u->home[0] == '/' && snprintf(path, sizeof path, "%s/" DATABASE, u->home) < (int)sizeof path &&
	       is_missing(path);
}

static bool has_no_env(const struct user *u, const char *env_pattern)
{
	char path[PATH_MAX];

	return env_path_make(env_pattern, u->os_user, path, sizeof path) && is_missing(path);
}

/* What connect(2) says in the end; on this machine that is soon. */
static int connect_error(int fd, const struct sockaddr *address, socklen_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int error = 0;

	if (connect(fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, CONNECT_MS) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return ETIMEDOUT;
	return error;
}

static bool is_refused(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = fd >= 0 ? connect_error(fd, address, len) : errno;

	if (fd >= 0)
		close(fd);
	return error == ECONNREFUSED || error == ENOENT || error == ENOTDIR;
}

static bool socket_is_refused(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, path);
	return is_refused((const struct sockaddr *)&address, sizeof address);
}

static bool port_is_refused(const struct user *u)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(u->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(u->port)};

	if (inet_pton(AF_INET, u->host, &v4.sin_addr) == 1)
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET &&
		       is_refused((const struct sockaddr *)&v4, sizeof v4);
	return inet_pton(AF_INET6, u->host, &v6.sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) &&
	       is_refused((const struct sockaddr *)&v6, sizeof v6);
}

bool user_never_ran(const struct user *u, const char *env_pattern)
{
	return u->has_uid && has_no_database(u) && has_no_env(u, env_pattern) &&
	       (u->socket[0] == '\0' || socket_is_refused(u->socket)) && (u->port == 0 || port_is_refused(u));
}
