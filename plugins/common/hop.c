/* SPDX-License-Identifier: MIT */
/* Where a hop is, and sockets to it; see hop.h. */
#include "common/hop.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Splits off a port, which follows the only colon, or the bracket. */
static bool split(const char *text, char *host, size_t size, const char **port)
{
	const char *end, *begin = text;

	*port = NULL;
	if (*text == '[') {
		begin = text + 1;
		end = strchr(begin, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(text, ':');
		if (end != NULL && strchr(end + 1, ':') == NULL)
			*port = end + 1;
		else
			end = text + strlen(text);
	}
	return (size_t)snprintf(host, size, "%.*s", (int)(end - begin), begin) < size;
}

bool hop_parse(const char *text, struct hop *out)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	const char *port;
	char host[128];

	if (!split(text, host, sizeof host, &port) || host[0] == '\0' || getaddrinfo(host, port, &hints, &found) != 0)
		return false;
	*out = (struct hop){.len = found->ai_addrlen, .has_port = port != NULL};
	memcpy(&out->address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

static int bind_to(int fd, const char *interface)
{
	struct hop from;

	if (interface[0] == '\0')
		return 0;
	if (hop_parse(interface, &from))
		return bind(fd, (const struct sockaddr *)&from.address, from.len);
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface));
}

int hop_socket(const struct hop *to, int type, int protocol, const char *interface)
{
	int fd = socket(to->address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), error;

	if (fd < 0 || bind_to(fd, interface) == 0)
		return fd < 0 ? -errno : fd;
	error = errno;
	close(fd);
	return -error;
}
