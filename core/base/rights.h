/* SPDX-License-Identifier: MIT */
/* Descriptors beside a datagram of a Unix socket (SCM_RIGHTS, unix(7)).  Any process. */
#ifndef T3OPS_BASE_RIGHTS_H
#define T3OPS_BASE_RIGHTS_H

#include <stddef.h>
#include <sys/socket.h>

#define RIGHTS_MAX 2

/* Room for the control message; lives as long as the msghdr. */
union rights {
	char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
	struct cmsghdr align;
};

/* For sendmsg(2): n of 0 leaves m alone. */
void rights_attach(struct msghdr *m, union rights *r, const int *fds, size_t n);
/* For recvmsg(2), before it. */
void rights_expect(struct msghdr *m, union rights *r);
/* After it: how many came; they are the caller's. */
size_t rights_detach(struct msghdr *m, int fds[RIGHTS_MAX]);

#endif
