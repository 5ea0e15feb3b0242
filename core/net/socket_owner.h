/* SPDX-License-Identifier: MIT */
/*
 * Whose socket is at the other end of a TCP connection on this machine: sock_diag(7) and rtnetlink(7), one question
 * for the exact four addresses and ports each, answered by the kernel at once.  Opened before the sandbox.
 */
#ifndef T3OPS_NET_SOCKET_OWNER_H
#define T3OPS_NET_SOCKET_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum socket_owner_result {
	SOCKET_OWNER_FOUND,     /* *uid is that of the account whose process holds the socket */
	SOCKET_OWNER_ELSEWHERE, /* the peer's address is not one of this network namespace */
	SOCKET_OWNER_UNKNOWN,   /* the address is ours, but no open socket of a process was found: closed or reset,
	                           not accepted yet, or the kernel did not answer */
};

struct socket_owner {
	int diag_fd, route_fd;
	unsigned sequence;
};

/* 0 or -errno.  Both descriptors are CLOEXEC. */
int socket_owner_open(struct socket_owner *s);
void socket_owner_close(struct socket_owner *s);

/* Whether this kernel answers at all: tried on a connection of the process to itself. */
bool socket_owner_works(struct socket_owner *s);
/* Whether the address is one of this network namespace. */
bool socket_owner_is_local(struct socket_owner *s, const struct sockaddr *address);

/* Which socket listens at that address of this network namespace: a number that no other one has had since the
 * machine was started; 0: none, or it is not known. */
uint64_t socket_owner_listener(struct socket_owner *s, const struct sockaddr *address);

/* peer: of the connected TCP socket fd.  Only a socket that is ESTABLISHED or CLOSE_WAIT and belongs to an open
 * file counts: an orphan has uid 0 on some kernels. */
enum socket_owner_result socket_owner_find(struct socket_owner *s, int fd, const struct sockaddr *peer, uid_t *uid);

#endif
