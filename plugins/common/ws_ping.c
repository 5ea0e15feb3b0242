/* SPDX-License-Identifier: MIT */
/* See ws_ping.h. */
#include "common/ws_ping.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PING "{\"_tag\":\"Ping\"}"

static int say(char *why, size_t size, int error, const char *what)
{
	snprintf(why, size, "%s: %s", what, strerror(-error));
	return error;
}

static int open_to(const char *host, uint16_t port, int timeout_s)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
	const struct timeval limit = {.tv_sec = timeout_s};
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0 || (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1))
		return -EINVAL;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	r = connect(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof v4 : sizeof v6);
	if (r == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int send_all(int fd, const void *bytes, size_t len)
{
	ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int receive_all(int fd, void *bytes, size_t len)
{
	ssize_t n = recv(fd, bytes, len, MSG_WAITALL);

	return n == (ssize_t)len ? 0 : n < 0 && errno == EAGAIN ? -ETIMEDOUT : n < 0 ? -errno : -ECONNRESET;
}

/* Until the end of a head is there; its text in out. */
static int head_receive(int fd, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	while (!strstr(out, "\r\n\r\n")) {
		int r = used + 1 < size ? receive_all(fd, out + used, 1) : -EMSGSIZE;

		if (r < 0)
			return r;
		out[++used] = '\0';
	}
	return 0;
}

static int upgrade(int fd, const char *host, uint16_t port, const char *cookie, char *why, size_t why_size)
{
	char head[8192];
	int n = snprintf(
	    head, sizeof head,
	    "GET /ws HTTP/1.1\r\nHost: %s:%u\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: %s\r\n\r\n",
	    host, port, cookie);
	int r = n < (int)sizeof head ? send_all(fd, head, (size_t)n) : -E2BIG;

	if (r == 0)
		r = head_receive(fd, head, sizeof head);
	if (r < 0)
		return say(why, why_size, r, "the WebSocket was not opened");
	if (strncmp(head, "HTTP/1.1 101", 12) == 0)
		return 0;
	snprintf(why, why_size, "the WebSocket was answered %.12s", head[0] != '\0' ? head + 9 : "with nothing");
	why[strcspn(why, "\r\n")] = '\0';
	return -EPROTO;
}

/* One small frame, masked with zeros. */
static int frame_send(int fd, unsigned char op, const void *payload, size_t len)
{
	unsigned char frame[6 + 125] = {0x80 | op, (unsigned char)(0x80 | len)};

	memcpy(frame + 6, payload, len);
	return send_all(fd, frame, 6 + len);
}

/* The text of one small frame. */
static int frame_receive(int fd, char *out, size_t size)
{
	unsigned char head[2];
	int r = receive_all(fd, head, sizeof head);
	size_t len;

	if (r < 0)
		return r;
	len = head[1] & 0x7f;
	if (head[0] != 0x81 || len > 125 || len >= size)
		return -EPROTO;
	out[len] = '\0';
	return receive_all(fd, out, len);
}

int ws_ping(const char *host, uint16_t port, const char *cookie, int timeout_s, char *out, size_t size, char *why,
            size_t why_size)
{
	static const unsigned char bye[] = {1000 >> 8, 1000 & 0xff};
	char rest[256];
	int fd = open_to(host, port, timeout_s), r;

	if (fd < 0)
		return say(why, why_size, fd, "the WebSocket was not opened");
	r = upgrade(fd, host, port, cookie, why, why_size);
	if (r == 0) {
		r = frame_send(fd, 1, PING, sizeof PING - 1);
		if (r == 0)
			r = frame_receive(fd, out, size);
		if (r < 0)
			say(why, why_size, r, "the heartbeat was not answered");
		frame_send(fd, 8, bye, sizeof bye);
		while (recv(fd, rest, sizeof rest, 0) > 0) /* it closes first: a t3 server may die of less */
			;
	}
	close(fd);
	return r;
}
