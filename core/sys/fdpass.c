/* SPDX-License-Identifier: MIT */
/* Descriptors beside datagrams; see fdpass.h. */
#include "sys/fdpass.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

void fdpass_attach(struct msghdr *m, union fdpass *r, const int *fds, size_t n)
{
	struct cmsghdr *c;

	assert(n <= FDPASS_MAX);
	if (n == 0)
		return;
	memset(r, 0, sizeof *r);
	m->msg_control = r->bytes;
	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

void fdpass_expect(struct msghdr *m, union fdpass *r)
{
	m->msg_control = r->bytes;
	m->msg_controllen = sizeof r->bytes;
}

size_t fdpass_detach(struct msghdr *m, int fds[FDPASS_MAX])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n > FDPASS_MAX)
		n = FDPASS_MAX;
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	return n;
}

void fdpass_close(int fd)
{
	const struct linger background = {0};
	struct linger linger = {0};
	socklen_t len = sizeof linger;

	/* One that lingers for 0 s does not block either: its close is a reset, and meant to be one. */
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 && linger.l_onoff && linger.l_linger > 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &background, sizeof background);
	close(fd);
}
