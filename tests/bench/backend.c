/* SPDX-License-Identifier: MIT */
/*
 * The bare backend of the benchmark: one thread, one epoll, no dependency, so that what is
 * measured is the proxy before it.  It answers
 *
 *   GET /small   1 KiB
 *   GET /big     8 MiB
 *   POST /...    200 after the whole body (Content-Length only)
 *   GET /ws      a WebSocket that echoes every frame, unmasked
 *   GET /api/auth/session and anything else: 200 {"authenticated":true}
 *
 * It trusts its peers: only the benchmark talks to it.  Prints "port=N" when it listens there and at the Unix socket
 * PATH.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/ws_key.h"

#define IN_MAX (256 * 1024)
#define SMALL  1024
#define BIG    (8 * 1024 * 1024)

enum conn_state { READ_HEAD, READ_BODY, ECHO };

struct conn {
	int fd;
	enum conn_state state;
	size_t body_left; /* READ_BODY */
	size_t file_left; /* of /big, still to send */
	char *in;         /* unread bytes, IN_MAX, made on demand */
	size_t in_len;
	char *out; /* what the socket did not take */
	size_t out_len, out_at, out_size;
	bool want_write;
};

struct server {
	int epoll;
	char *zeros; /* body of /small and /big */
};

static void conn_watch(struct server *s, struct conn *c)
{
	bool want = c->out_len > c->out_at || c->file_left > 0;
	if (want == c->want_write)
		return;
	struct epoll_event e = {.events = want ? EPOLLOUT : EPOLLIN, .data.ptr = c};
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &e);
	c->want_write = want;
}

static void conn_free(struct conn *c)
{
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void conn_queue(struct conn *c, const char *data, size_t len)
{
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
	if (c->out_len + len > c->out_size) {
		c->out_size = (c->out_len + len) * 2;
		c->out = realloc(c->out, c->out_size);
		assert(c->out);
	}
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
}

/* Sends what waits; false: the peer is gone. */
static bool conn_flush(struct server *s, struct conn *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->out_at += (size_t)n;
	}
	while (c->file_left > 0) {
		size_t chunk = c->file_left < IN_MAX ? c->file_left : IN_MAX;
		ssize_t n = send(c->fd, s->zeros, chunk, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->file_left -= (size_t)n;
	}
	return true;
}

static const char *head_value(const char *head, const char *name, char *out, size_t size)
{
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		size_t n = strlen(name);
		if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
			continue;
		const char *value = line + 3 + n + strspn(line + 3 + n, " ");
		snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
		return out;
	}
	return NULL;
}

static void answer(struct server *s, struct conn *c, size_t length)
{
	char head[160];
	int n = snprintf(head, sizeof head,
	                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", length);
	conn_queue(c, head, (size_t)n);
	if (length <= SMALL)
		conn_queue(c, s->zeros, length);
	else
		c->file_left = length;
}

static void answer_session(struct conn *c)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 103\r\n\r\n"
	                           "{\"authenticated\":true,\"auth\":{\"policy\":\"remote-reachable\","
	                           "\"sessionCookieName\":\"t3_session\"},\"role\":\"x\"}";
	conn_queue(c, text, sizeof text - 1);
}

static void upgrade(struct conn *c, const char *head)
{
	char key[64], accept[WS_ACCEPT_SIZE], text[200];
	ws_accept_key(head_value(head, "Sec-WebSocket-Key", key, sizeof key) ? key : "", accept);
	int n = snprintf(text, sizeof text,
	                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	                 "Sec-WebSocket-Accept: %s\r\n\r\n",
	                 accept);
	conn_queue(c, text, (size_t)n);
	c->state = ECHO;
}

/* One request head at the start of in; returns its length, 0 if it is not whole. */
static size_t take_head(struct server *s, struct conn *c)
{
	char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
	if (!end)
		return 0;
	end[2] = '\0'; /* keeps the last header's CR LF */
	char length[32];
	if (strncmp(c->in, "GET /ws", 7) == 0) {
		upgrade(c, c->in);
	} else if (head_value(c->in, "Content-Length", length, sizeof length)) {
		c->body_left = strtoull(length, NULL, 10);
		c->state = READ_BODY;
	} else if (strncmp(c->in, "GET /small", 10) == 0) {
		answer(s, c, SMALL);
	} else if (strncmp(c->in, "GET /big", 8) == 0) {
		answer(s, c, BIG);
	} else {
		answer_session(c);
	}
	return (size_t)(end - c->in) + 4;
}

static size_t take_body(struct server *s, struct conn *c)
{
	size_t n = c->in_len < c->body_left ? c->in_len : c->body_left;
	c->body_left -= n;
	if (c->body_left == 0) {
		c->state = READ_HEAD;
		answer(s, c, 2);
	}
	return n;
}

/* One whole masked frame; returns its length, 0 if it is not whole. */
static size_t take_frame(struct conn *c)
{
	unsigned char *p = (unsigned char *)c->in;
	if (c->in_len < 6)
		return 0;
	size_t head = 2, len = p[1] & 0x7f;
	if (len == 126) {
		len = (size_t)p[2] << 8 | p[3];
		head = 4;
	} else if (len == 127) {
		if (c->in_len < 14)
			return 0;
		len = (size_t)p[6] << 24 | (size_t)p[7] << 16 | (size_t)p[8] << 8 | p[9];
		head = 10;
	}
	assert(head + 4 + len <= IN_MAX);
	if (c->in_len < head + 4 + len)
		return 0;
	unsigned char *mask = p + head, *payload = mask + 4;
	for (size_t i = 0; i < len; i++)
		payload[i] ^= mask[i & 3];
	char reply[10];
	memcpy(reply, p, head);
	reply[1] = (char)(p[1] & 0x7f);
	conn_queue(c, reply, head);
	conn_queue(c, (char *)payload, len);
	return head + 4 + len;
}

static void conn_consume(struct server *s, struct conn *c)
{
	size_t at = 0, n = 1;
	while (n > 0 && at < c->in_len && c->file_left == 0) {
		char *base = c->in;
		size_t whole = c->in_len;
		c->in += at;
		c->in_len -= at;
		n = c->state == ECHO ? take_frame(c) : c->state == READ_BODY ? take_body(s, c) : take_head(s, c);
		c->in = base;
		c->in_len = whole;
		at += n;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
}

/* false: closed. */
static bool conn_event(struct server *s, struct conn *c, uint32_t events)
{
	if (events & EPOLLIN && c->out_at == c->out_len) {
		if (!c->in) {
			c->in = malloc(IN_MAX);
			assert(c->in);
		}
		ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n > 0)
			c->in_len += (size_t)n;
		conn_consume(s, c);
		if (c->in_len == 0) {
			free(c->in); /* an idle connection costs next to nothing here */
			c->in = NULL;
		}
	}
	if (!conn_flush(s, c))
		return false;
	conn_watch(s, c);
	return true;
}

static void accept_all(struct server *s, int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof *c);
		assert(c);
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
	}
}

static int listen_on_any_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 4096) < 0)
		return -1;
	getsockname(fd, (struct sockaddr *)&a, &len);
	printf("port=%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static int listen_on_path(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || chmod(path, 0666) < 0 || listen(fd, 4096) < 0)
		return -1;
	return fd;
}

/* Which of both has something is not looked at. */
static void listeners_accept(struct server *s, const int listeners[2])
{
	accept_all(s, listeners[0]);
	accept_all(s, listeners[1]);
}

int main(int argc, char **argv)
{
	struct server s = {.epoll = epoll_create1(EPOLL_CLOEXEC), .zeros = calloc(1, IN_MAX)};
	if (argc != 2) {
		fprintf(stderr, "usage: backend PATH\n");
		return 2;
	}
	const int listeners[2] = {listen_on_path(argv[1]), listen_on_any_port()};
	if (listeners[0] < 0 || listeners[1] < 0 || s.epoll < 0 || !s.zeros) {
		perror("backend");
		return 1;
	}
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(s.epoll, EPOLL_CTL_ADD, listeners[0], &e);
	epoll_ctl(s.epoll, EPOLL_CTL_ADD, listeners[1], &e);
	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(s.epoll, events, 256, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (!c)
				listeners_accept(&s, listeners);
			else if (!conn_event(&s, c, events[i].events))
				conn_free(c);
		}
	}
}
