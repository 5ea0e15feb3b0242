/* SPDX-License-Identifier: MIT */
/* The datagram; see notify.h. */
#include "supervisor/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fdpass.h"

/* The address's length, or -errno. */
static int address_set(struct sockaddr_un *address, const char *name)
{
	size_t len = strlen(name);

	if (name[0] != '/' && name[0] != '@')
		return -EAFNOSUPPORT;
	if (len < 2 || len >= sizeof address->sun_path)
		return -EINVAL;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, len);
	if (name[0] == '@')
		address->sun_path[0] = '\0'; /* an abstract name has no end but the address's */
	return (int)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
}

static int send_to_manager(const char *state, const int *fds, size_t n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct iovec part = {(void *)(uintptr_t)state, strlen(state)};
	struct sockaddr_un address;
	struct msghdr m = {.msg_name = &address, .msg_iov = &part, .msg_iovlen = 1};
	union fdpass fdpass;
	int len, fd, r = 0;

	if (!name || !*name)
		return 0;
	len = address_set(&address, name);
	if (len < 0)
		return len;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	m.msg_namelen = (socklen_t)len;
	fdpass_attach(&m, &fdpass, fds, n);
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		r = -errno;
	close(fd);
	return r;
}

int notify_send(const char *state)
{
	return send_to_manager(state, NULL, 0);
}

int notify_send_fd(const char *state, int fd)
{
	return send_to_manager(state, &fd, 1);
}
