/* SPDX-License-Identifier: MIT */
/* Datagrams between two supervisors; see succession.h. */
#include "supervisor/succession.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

struct succession_message {
	uint32_t type;
	int32_t fd;
};

int succession_send(int socket, enum succession type, int fd)
{
	const struct succession_message m = {.type = type, .fd = fd};

	return send(socket, &m, sizeof m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof m ? 0 : -errno;
}

int succession_recv(int socket, int limit_ms, int *fd)
{
	struct pollfd p = {.fd = socket, .events = POLLIN};
	struct succession_message m;
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, limit_ms);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r == 0 ? -ETIMEDOUT : -errno;
	n = recv(socket, &m, sizeof m, MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof m || m.type < SUCCESSION_TRIAL || m.type > SUCCESSION_GO)
		return -EPROTO;
	if (fd)
		*fd = m.fd;
	return (int)m.type;
}
