/* SPDX-License-Identifier: MIT */
/* Addresses of listening sockets, from the text of an option and back.  Supervisor only; pure but for getsockname. */
#ifndef T3OPS_SUPERVISOR_SOCKET_ADDRESS_H
#define T3OPS_SUPERVISOR_SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* "127.0.0.1:80", "[::1]:80"; false: without a port, which the check of the config has refused. */
bool socket_address_parse(const char *text, union socket_address *out, socklen_t *len);
/* Writes it as an option has it, "unix:PATH" for a Unix socket; "" if it is none of these. */
void socket_address_text(const union socket_address *a, char *out, size_t size);
/* The same of the address that a socket got, port included. */
void socket_address_name(int fd, char *out, size_t size);

#endif
