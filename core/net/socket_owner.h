/* SPDX-License-Identifier: MIT */
/*
 * Whose socket is at the other end of a TCP connection on this machine: sock_diag(7) and rtnetlink(7), one question
 * for the exact four addresses and ports each, answered by the kernel at once.  Opened before the sandbox.
 *
 * An answer is about whoever has the four numbers when it is asked, and what can be read may be from before: a reset
 * frees them for somebody else's connection, and leaves what had come.  So an answer counts only if our end was found
 * unbroken after it: as long as it is, nobody else can have them.
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

struct socket_owner_question {
	const struct sockaddr *peer, *own; /* the two ends of a connection */
	enum socket_owner_result result;
	uid_t uid;
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

/* The same of many connections at once: fills result and uid.  An answer counts once the first socket_owner_read of
 * that connection, afterwards, does not say that it is broken. */
void socket_owner_ask(struct socket_owner *s, struct socket_owner_question *questions, size_t n);
/* As recv(2), but of a connection that is broken it gives the error before what had come, once: the next one reads
 * that.  Bytes, 0 at the end, -EAGAIN (not broken) or -EINTR (not known yet), or what broke it. */
ssize_t socket_owner_read(int fd, void *bytes, size_t size);

/* Where every connection that a listener accepts has its own end; false: it differs. */
bool socket_owner_is_at(int listener, struct sockaddr_storage *at);

#endif
