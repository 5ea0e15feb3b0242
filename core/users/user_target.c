/* SPDX-License-Identifier: MIT */
/* From a row of the user table to an address; see user_target.h. */
#include "users/user_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* 0.0.0.0 and :: mean this machine, as connect(2) takes them. */
static int address_make(const struct user *user, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, user->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons(user->port);
		*len = sizeof *v4;
		return 0;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(user->port);
	*len = sizeof *v6;
	if (inet_pton(AF_INET6, user->host, &v6->sin6_addr) != 1)
		return -EINVAL;
	if (memcmp(&v6->sin6_addr, &in6addr_any, sizeof in6addr_any) == 0)
		v6->sin6_addr = in6addr_loopback;
	return 0;
}

static bool is_same_place(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

int user_target(const struct user *user, const struct cidr_list *trusted, struct dial_target *out)
{
	int r;

	*out = (struct dial_target){.user = user->name, .has_owner = user->has_uid, .owner = user->uid};
	strcpy(out->path, user->socket);
	if (user->port == 0)
		return user->socket[0] != '\0' ? 0 : -EINVAL;
	r = address_make(user, &out->address, &out->len);
	out->as_it_is = r == 0 && cidr_has(trusted, (const struct sockaddr *)&out->address);
	return r;
}

/* Links lead to one socket by several names. */
static bool is_same_socket(const char *a, const char *b)
{
	struct stat here, there;

	return strcmp(a, b) == 0 || (stat(a, &here) == 0 && stat(b, &there) == 0 && here.st_dev == there.st_dev &&
	                             here.st_ino == there.st_ino);
}

bool user_has_same_server(const struct user *a, const struct user *b)
{
	return a->port == b->port && a->has_uid == b->has_uid && a->uid == b->uid && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->socket, b->socket) == 0;
}

bool user_target_is(const struct user *user, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage wanted;
	socklen_t len;

	if (peer->ss_family == AF_UNIX)
		return user->socket[0] != '\0' &&
		       is_same_socket(user->socket, ((const struct sockaddr_un *)(const void *)peer)->sun_path);
	return user->port != 0 && address_make(user, &wanted, &len) == 0 && is_same_place(&wanted, peer);
}
