/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket load of the benchmark: C connections, each with O messages of S bytes
 * outstanding, until T messages have come back in all; or, with T = 0, C idle connections held
 * until stdin ends.  One thread, one epoll.
 *
 *   wsload HOST PORT PATH CONNECTIONS OUTSTANDING SIZE TOTAL [HEADER: VALUE]...
 *
 * Prints "open" when every connection stands, then "messages=T seconds=X".  Exits 1 with a line
 * on stderr if a connection is refused or lost, or an echo has the wrong length.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (256 * 1024)

struct load {
	struct sockaddr_in peer;
	size_t connections, outstanding, size, total;
	char *request; /* upgrade request */
	char *frames;  /* `outstanding` equal frames */
	size_t frame_len, echo_len;
	int epoll;
	size_t sent, received;
};

/* The payload is never looked at: an echo is counted by its bytes. */
struct conn {
	int fd;
	size_t echo_bytes; /* of the echo in progress */
	size_t to_send;    /* bytes of frames that the socket did not take yet */
	bool want_write;
};

static void die(const char *what)
{
	fprintf(stderr, "wsload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_frames(struct load *l)
{
	unsigned char head[14] = {0x82};
	size_t n = 2;
	if (l->size < 126) {
		head[1] = (unsigned char)(0x80 | l->size);
	} else if (l->size < 65536) {
		head[1] = 0x80 | 126;
		head[2] = (unsigned char)(l->size >> 8);
		head[3] = (unsigned char)l->size;
		n = 4;
	} else {
		head[1] = 0x80 | 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)((uint64_t)l->size >> (56 - 8 * i));
		n = 10;
	}
	l->echo_len = n + l->size;
	memcpy(head + n, "\x11\x22\x33\x44", 4);
	l->frame_len = n + 4 + l->size;
	l->frames = calloc(l->outstanding, l->frame_len);
	if (!l->frames)
		die("memory");
	for (size_t i = 0; i < l->outstanding; i++)
		memcpy(l->frames + i * l->frame_len, head, n + 4);
}

static void make_request(struct load *l, const char *path, char **headers, int n_headers)
{
	size_t size;
	FILE *f = open_memstream(&l->request, &size);
	fprintf(f,
	        "GET %s HTTP/1.1\r\nHost: bench.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	        "Origin: http://bench.test\r\n",
	        path);
	for (int i = 0; i < n_headers; i++)
		fprintf(f, "%s\r\n", headers[i]);
	fputs("\r\n", f);
	fclose(f);
}

/* Blocking: connections are opened one after the other, outside the measured time. */
static int open_one(const struct load *l)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char head[4096];
	size_t at = 0;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&l->peer, sizeof l->peer) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (send(fd, l->request, strlen(l->request), MSG_NOSIGNAL) < 0)
		die("send");
	do {
		ssize_t n = recv(fd, head + at, 1, 0);
		if (n <= 0)
			die("upgrade");
		at++;
	} while (at < sizeof head && (at < 4 || memcmp(head + at - 4, "\r\n\r\n", 4) != 0));
	if (memcmp(head, "HTTP/1.1 101", 12) != 0) {
		fprintf(stderr, "wsload: no upgrade: %.*s\n", (int)strcspn(head, "\r\n"), head);
		exit(1);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void conn_watch(struct load *l, struct conn *c)
{
	bool want = c->to_send > 0;
	if (want == c->want_write)
		return;
	struct epoll_event e = {.events = want ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
	epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &e);
	c->want_write = want;
}

/* frames repeats one frame, so any offset that is right modulo its length will do. */
static void conn_send(struct load *l, struct conn *c)
{
	while (c->to_send > 0) {
		size_t into = (l->frame_len - c->to_send % l->frame_len) % l->frame_len;
		size_t process = l->outstanding * l->frame_len - into;
		ssize_t n = send(c->fd, l->frames + into, c->to_send < process ? c->to_send : process, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			die("send");
		c->to_send -= (size_t)n;
	}
	conn_watch(l, c);
}

static void conn_ask(struct load *l, struct conn *c, size_t messages)
{
	if (messages > l->total - l->sent)
		messages = l->total - l->sent;
	l->sent += messages;
	c->to_send += messages * l->frame_len;
	conn_send(l, c);
}

static void conn_receive(struct load *l, struct conn *c, char *buffer)
{
	ssize_t n = recv(c->fd, buffer, BUFFER, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("a connection was lost");
	c->echo_bytes += (size_t)n;
	size_t whole = c->echo_bytes / l->echo_len;
	c->echo_bytes %= l->echo_len;
	l->received += whole;
	if (whole > 0)
		conn_ask(l, c, whole);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(struct load *l, struct conn *conns)
{
	char *buffer = malloc(BUFFER);
	if (!buffer)
		die("memory");
	double start = seconds();
	for (size_t i = 0; i < l->connections; i++)
		conn_ask(l, &conns[i], l->outstanding);
	while (l->received < l->total) {
		struct epoll_event events[256];
		int n = epoll_wait(l->epoll, events, 256, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (events[i].events & EPOLLOUT)
				conn_send(l, c);
			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				conn_receive(l, c, buffer);
		}
	}
	printf("messages=%zu seconds=%.3f\n", l->received, seconds() - start);
	free(buffer);
}

int main(int argc, char **argv)
{
	if (argc < 8) {
		fprintf(stderr,
		        "usage: wsload HOST PORT PATH CONNECTIONS OUTSTANDING SIZE TOTAL [HEADER: VALUE]...\n");
		return 2;
	}
	struct load l = {.connections = strtoul(argv[4], NULL, 10),
	                 .outstanding = strtoul(argv[5], NULL, 10),
	                 .size = strtoul(argv[6], NULL, 10),
	                 .total = strtoul(argv[7], NULL, 10),
	                 .epoll = epoll_create1(EPOLL_CLOEXEC)};
	l.peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
	if (inet_pton(AF_INET, argv[1], &l.peer.sin_addr) != 1 || l.outstanding == 0)
		return 2;
	make_request(&l, argv[3], argv + 8, argc - 8);
	make_frames(&l);
	struct conn *conns = calloc(l.connections, sizeof *conns);
	if (!conns)
		die("memory");
	for (size_t i = 0; i < l.connections; i++) {
		conns[i].fd = open_one(&l);
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};
		epoll_ctl(l.epoll, EPOLL_CTL_ADD, conns[i].fd, &e);
	}
	puts("open");
	fflush(stdout);
	if (l.total == 0)
		getchar();
	else
		measure(&l, conns);
	return 0;
}
