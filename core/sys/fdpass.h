/* SPDX-License-Identifier: MIT */
/* Descriptors beside a datagram of a Unix socket (SCM_RIGHTS, unix(7)).  Any process. */
#ifndef T3OPS_SYS_FDPASS_H
#define T3OPS_SYS_FDPASS_H

#include <stddef.h>
#include <sys/socket.h>

#define FDPASS_MAX 2

/* Room for the control message; lives as long as the msghdr. */
union fdpass {
	char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
	struct cmsghdr align;
};

/* For sendmsg(2): n of 0 leaves m alone. */
void fdpass_attach(struct msghdr *m, union fdpass *r, const int *fds, size_t n);
/* For recvmsg(2), before it. */
void fdpass_expect(struct msghdr *m, union fdpass *r);
/* After it: how many came; they are the caller's. */
size_t fdpass_detach(struct msghdr *m, int fds[FDPASS_MAX]);

/* Closes a descriptor that another process sent, and that it may still have: a socket that lingers would block. */
void fdpass_close(int fd);

#endif
