/* SPDX-License-Identifier: MIT */
/* The datagram; see notify.h. */
#include "supervisor/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

int notify_send(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	int len, fd, r = 0;

	if (!name || !*name)
		return 0;
	len = address_set(&address, name);
	if (len < 0)
		return len;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)len) < 0)
		r = -errno;
	close(fd);
	return r;
}
