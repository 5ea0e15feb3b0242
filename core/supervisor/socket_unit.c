/* SPDX-License-Identifier: MIT */
/* Which descriptors are a socket unit's, and what they listen on; see socket_unit.h. */
#include "supervisor/socket_unit.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "supervisor/socket_address.h"

#define ADDRESS_SIZE 128

static int number_of(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : 0;
}

/* A name of the store has a kind, and what it is about behind a comma. */
bool socket_unit_take(struct socket_unit *u, const char *name, int fd)
{
	int on = 1;

	if (strchr(name, ',') || u->n == SOCKET_UNIT_MAX || !number_of(fd, SO_ACCEPTCONN) ||
	    number_of(fd, SO_TYPE) != SOCK_STREAM)
		return false;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* of a Unix socket it fails, and has no need */
	u->fds[u->n++] = fd;
	return true;
}

/* As a socket that listens there would be named; false: it is no address. */
static bool canonical(const char *configured, char *out, size_t size)
{
	union socket_address a;
	socklen_t len;

	if (strncmp(configured, "unix:", 5) == 0) {
		snprintf(out, size, "%s", configured);
		return true;
	}
	if (!socket_address_parse(configured, &a, &len))
		return false;
	socket_address_text(&a, out, size);
	return true;
}

int socket_unit_find(const struct socket_unit *u, const char *configured)
{
	char wanted[ADDRESS_SIZE], name[ADDRESS_SIZE];

	if (!canonical(configured, wanted, sizeof wanted))
		return -1;
	for (size_t i = 0; i < u->n; i++) {
		socket_address_name(u->fds[i], name, sizeof name);
		if (strcmp(name, wanted) == 0)
			return u->fds[i];
	}
	return -1;
}

bool socket_unit_has(const struct socket_unit *u, int fd)
{
	struct stat one, other;

	if (fstat(fd, &one) < 0)
		return false;
	for (size_t i = 0; i < u->n; i++)
		if (fstat(u->fds[i], &other) == 0 && other.st_dev == one.st_dev && other.st_ino == one.st_ino)
			return true;
	return false;
}
