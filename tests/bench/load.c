/* SPDX-License-Identifier: MIT */
/*
 * The load of the benchmark where wrk has none: C connections, each with O questions outstanding, until T answers
 * have come back in all; or, with T = 0, C idle connections held until stdin ends.  One thread, one epoll.
 *
 *   load ws  AT PATH CONNECTIONS TOTAL OUTSTANDING SIZE [HEADER: VALUE]...    echoes of SIZE bytes over WebSockets
 *   load get AT PATH CONNECTIONS TOTAL [HEADER: VALUE]...                     GETs, one outstanding, kept alive
 *
 * AT is HOST:PORT or the path of a Unix socket.  Prints "open" when every connection stands, then "answers=T
 * seconds=X".  Exits 1 with a line on stderr if a connection is refused or lost, or an answer has the wrong length.
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
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (256 * 1024)

struct load {
	union {
		struct sockaddr any;
		struct sockaddr_in tcp;
		struct sockaddr_un local;
	} peer;
	socklen_t peer_len;
	size_t connections, outstanding, total;
	char *opening;   /* what each connection begins with; its answer comes before the measurement */
	char *questions; /* `outstanding` equal ones */
	size_t question_len, answer_len;
	int epoll;
	size_t sent, received;
};

/* What an answer says is never looked at: it is counted by its bytes. */
struct conn {
	int fd;
	size_t answer_bytes; /* of the answer in progress */
	size_t to_send;      /* bytes of questions that the socket did not take yet */
	bool want_write;
};

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what is asked ------------------------------------------------------------------------------------ */

static char *head_make(const char *path, const char *more, char **headers, int n_headers)
{
	char *head;
	size_t size;
	FILE *f = open_memstream(&head, &size);
	fprintf(f, "GET %s HTTP/1.1\r\nHost: bench.test\r\n%s", path, more);
	for (int i = 0; i < n_headers; i++)
		fprintf(f, "%s\r\n", headers[i]);
	fputs("\r\n", f);
	fclose(f);
	return head;
}

static void frames_make(struct load *l, size_t size)
{
	unsigned char head[14] = {0x82};
	size_t n = 2;
	if (size < 126) {
		head[1] = (unsigned char)(0x80 | size);
	} else if (size < 65536) {
		head[1] = 0x80 | 126;
		head[2] = (unsigned char)(size >> 8);
		head[3] = (unsigned char)size;
		n = 4;
	} else {
		head[1] = 0x80 | 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
		n = 10;
	}
	l->answer_len = n + size;
	memcpy(head + n, "\x11\x22\x33\x44", 4);
	l->question_len = n + 4 + size;
	l->questions = calloc(l->outstanding, l->question_len);
	if (!l->questions)
		die("memory");
	for (size_t i = 0; i < l->outstanding; i++)
		memcpy(l->questions + i * l->question_len, head, n + 4);
}

static void ws_make(struct load *l, int argc, char **argv)
{
	l->outstanding = strtoul(argv[6], NULL, 10);
	l->opening = head_make(argv[3],
	                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://bench.test\r\n",
	                       argv + 8, argc - 8);
	frames_make(l, strtoul(argv[7], NULL, 10));
}

static void get_make(struct load *l, int argc, char **argv)
{
	l->outstanding = 1;
	l->opening = l->questions = head_make(argv[3], "", argv + 6, argc - 6);
	l->question_len = strlen(l->questions);
}

/* ---- connections ------------------------------------------------------------------------------------------ */

static bool peer_set(struct load *l, char *at)
{
	char *port = strrchr(at, ':');
	if (at[0] == '/') {
		l->peer.local.sun_family = AF_UNIX;
		l->peer_len = sizeof l->peer.local;
		return snprintf(l->peer.local.sun_path, sizeof l->peer.local.sun_path, "%s", at) <
		       (int)sizeof l->peer.local.sun_path;
	}
	if (!port)
		return false;
	*port = '\0';
	l->peer.tcp = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port + 1))};
	l->peer_len = sizeof l->peer.tcp;
	return inet_pton(AF_INET, at, &l->peer.tcp.sin_addr) == 1;
}

static int peer_connect(const struct load *l)
{
	int fd = socket(l->peer.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &l->peer.any, l->peer_len) < 0)
		die("connect");
	if (l->peer.any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

/* The head of the first answer; its length. */
static size_t head_read(int fd, char *head, size_t size)
{
	size_t at = 0;
	do {
		ssize_t n = recv(fd, head + at, 1, 0);
		if (n <= 0)
			die("no answer");
		at++;
	} while (at < size - 1 && (at < 4 || memcmp(head + at - 4, "\r\n\r\n", 4) != 0));
	head[at] = '\0';
	return at;
}

static void body_skip(int fd, size_t n)
{
	char *body = malloc(n + 1);
	if (!body || (n > 0 && recv(fd, body, n, MSG_WAITALL) != (ssize_t)n))
		die("no body");
	free(body);
}

/* All later answers to a GET are as long as the first one. */
static void opening_answer(struct load *l, int fd)
{
	char head[4096];
	size_t head_len = head_read(fd, head, sizeof head), body;
	const char *status = l->opening == l->questions ? "HTTP/1.1 200" : "HTTP/1.1 101";
	const char *length = strcasestr(head, "\r\ncontent-length:");
	if (memcmp(head, status, 12) != 0) {
		fprintf(stderr, "load: refused: %.*s\n", (int)strcspn(head, "\r\n"), head);
		exit(1);
	}
	if (l->opening != l->questions)
		return;
	body = length ? strtoul(length + 17, NULL, 10) : 0;
	body_skip(fd, body);
	l->answer_len = head_len + body;
}

/* Blocking: connections are opened one after the other, outside the measured time. */
static int conn_open(struct load *l)
{
	int fd = peer_connect(l);
	if (send(fd, l->opening, strlen(l->opening), MSG_NOSIGNAL) < 0)
		die("send");
	opening_answer(l, fd);
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

/* questions repeats one of them, so any offset that is right modulo its length will do. */
static void conn_send(struct load *l, struct conn *c)
{
	while (c->to_send > 0) {
		size_t into = (l->question_len - c->to_send % l->question_len) % l->question_len;
		size_t rest = l->outstanding * l->question_len - into;
		ssize_t n = send(c->fd, l->questions + into, c->to_send < rest ? c->to_send : rest, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			die("send");
		c->to_send -= (size_t)n;
	}
	conn_watch(l, c);
}

static void conn_ask(struct load *l, struct conn *c, size_t questions)
{
	if (questions > l->total - l->sent)
		questions = l->total - l->sent;
	l->sent += questions;
	c->to_send += questions * l->question_len;
	conn_send(l, c);
}

static void conn_receive(struct load *l, struct conn *c, char *buffer)
{
	ssize_t n = recv(c->fd, buffer, BUFFER, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("a connection was lost");
	c->answer_bytes += (size_t)n;
	size_t whole = c->answer_bytes / l->answer_len;
	c->answer_bytes %= l->answer_len;
	l->received += whole;
	if (whole > 0)
		conn_ask(l, c, whole);
}

/* ---- the measurement ------------------------------------------------------------------------------------ */

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
	printf("answers=%zu seconds=%.3f\n", l->received, seconds() - start);
	free(buffer);
}

static struct conn *conns_open(struct load *l)
{
	struct conn *conns = calloc(l->connections, sizeof *conns);
	if (!conns)
		die("memory");
	for (size_t i = 0; i < l->connections; i++) {
		conns[i].fd = conn_open(l);
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, conns[i].fd, &e);
	}
	puts("open");
	fflush(stdout);
	return conns;
}

int main(int argc, char **argv)
{
	struct load l = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
	bool ws = argc >= 8 && strcmp(argv[1], "ws") == 0, get = argc >= 6 && strcmp(argv[1], "get") == 0;
	struct conn *conns;
	if ((!ws && !get) || !peer_set(&l, argv[2])) {
		fprintf(stderr, "usage: load ws|get HOST:PORT|PATH PATH CONNECTIONS TOTAL ..., see load.c\n");
		return 2;
	}
	l.connections = strtoul(argv[4], NULL, 10);
	l.total = strtoul(argv[5], NULL, 10);
	(ws ? ws_make : get_make)(&l, argc, argv);
	conns = conns_open(&l);
	if (l.total == 0)
		getchar();
	else
		measure(&l, conns);
	return 0;
}
