/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets that the service manager opened before this process and keeps after it: those of a socket unit
 * (t3ops.socket), from LISTEN_FDS.  An option that names the address of one gets a copy of it instead of a socket of
 * its own; who connects while there is no t3ops waits in it.  They stay open as long as the daemon lives, whatever
 * its configuration says meanwhile.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_SOCKET_UNIT_H
#define T3OPS_SUPERVISOR_SOCKET_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "process/process.h"

#define SOCKET_UNIT_MAX PROCESS_MAX_LISTENERS

struct socket_unit {
	int fds[SOCKET_UNIT_MAX];
	size_t n;
};

/* Takes fd unless it returns false: it is no listening stream socket, its name is one of those that t3ops itself has
 * its descriptors kept under (service_store.h), or there is no room. */
bool socket_unit_take(struct socket_unit *u, const char *name, int fd);
/* The socket that listens on an address as in `listen`: "127.0.0.1:80", "[::1]:80", "unix:/path"; still the unit's.
 * -1: none does. */
int socket_unit_find(const struct socket_unit *u, const char *configured);
/* Whether fd is a copy of one of them. */
bool socket_unit_has(const struct socket_unit *u, int fd);

#endif
