/* SPDX-License-Identifier: MIT */
/* Text to address and back; see socket_address.h. */
#include "supervisor/socket_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "options/parse.h"

bool socket_address_parse(const char *text, union socket_address *out, socklen_t *len)
{
	char host[64];
	int port;

	memset(out, 0, sizeof *out);
	if (!address_parse(text, host, sizeof host, &port) || port < 0)
		return false;
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((in_port_t)port);
		*len = sizeof out->v4;
		return true;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons((in_port_t)port);
	*len = sizeof out->v6;
	return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
}

void socket_address_text(const union socket_address *a, char *out, size_t size)
{
	char host[64];

	out[0] = '\0';
	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
		snprintf(out, size, "%s:%u", host, ntohs(a->v4.sin_port));
	} else if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
		snprintf(out, size, "[%s]:%u", host, ntohs(a->v6.sin6_port));
	} else if (a->any.sa_family == AF_UNIX && a->local.sun_path[0] == '/') {
		snprintf(out, size, "unix:%.*s", (int)sizeof a->local.sun_path, a->local.sun_path);
	}
}

void socket_address_name(int fd, char *out, size_t size)
{
	union socket_address a;
	socklen_t len = sizeof a;

	memset(&a, 0, sizeof a);
	if (getsockname(fd, &a.any, &len) < 0)
		a.any.sa_family = AF_UNSPEC;
	socket_address_text(&a, out, size);
}
