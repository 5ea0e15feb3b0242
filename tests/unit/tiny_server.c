/* SPDX-License-Identifier: MIT */
/* See tiny_server.h.  Blocking sockets: each connection is a process of its own. */
#include "tiny_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(0);
		data += n;
		len -= (size_t)n;
	}
}

static void answer(int fd, int status, const char *headers, const char *body, size_t len)
{
	char head[512];
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\n%sContent-Length: %zu\r\n\r\n", status, headers,
	                 len);

	say(fd, head, (size_t)n);
	say(fd, body, len);
}

static void stall(void)
{
	for (;;)
		pause();
}

static void reset(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
	_exit(0);
}

static void answer_big(int fd, size_t len)
{
	char *body = malloc(len + 1);

	memset(body, 'x', len);
	answer(fd, 200, "", body, len);
	free(body);
}

static void answer_headers(int fd, int len)
{
	char line[128];

	say(fd, "HTTP/1.1 200 OK\r\n", 17);
	for (int i = 0; i < len / 100; i++)
		say(fd, line, (size_t)snprintf(line, sizeof line, "X-%04d: %090d\r\n", i, i));
	say(fd, "Content-Length: 0\r\n\r\n", 21);
}

static void say_half(int fd)
{
	static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";

	say(fd, half, sizeof half - 1);
}

static void behave(int fd, const char *path, const char *request, size_t len)
{
	static const char cookies[] = "Set-Cookie: a=1; Path=/\r\nX-One: one\r\nset-cookie: b=2\r\n";

	if (strcmp(path, "/ok") == 0)
		answer(fd, 200, cookies, "ok", 2);
	else if (strcmp(path, "/echo") == 0)
		answer(fd, 200, "", request, len);
	else if (strncmp(path, "/status/", 8) == 0)
		answer(fd, atoi(path + 8), "", "status", 6);
	else if (strncmp(path, "/big/", 5) == 0)
		answer_big(fd, (size_t)atol(path + 5));
	else if (strncmp(path, "/headers/", 9) == 0)
		answer_headers(fd, atoi(path + 9));
	else if (strcmp(path, "/reset") == 0)
		reset(fd);
	else if (strcmp(path, "/short") == 0)
		say_half(fd);
	else if (strcmp(path, "/drip") == 0)
		say_half(fd), stall();
	else if (strcmp(path, "/garbage") == 0)
		say(fd, "SSH-2.0-nothing like HTTP\r\n\r\n", 29);
	else if (strcmp(path, "/stall") == 0)
		stall();
	if (strcmp(path, "/close") == 0 || strcmp(path, "/short") == 0 || strcmp(path, "/garbage") == 0)
		_exit(0);
}

/* Length of one whole request in the buffer, 0 if more is needed. */
static size_t request_length(const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	const char *length = strcasestr(data, "\r\ncontent-length:");
	size_t whole = end ? (size_t)(end + 4 - data) : 0;

	if (end && length && length < end)
		whole += (size_t)atol(length + 17);
	return whole <= len ? whole : 0;
}

static void serve(int fd)
{
	static char data[64 << 10];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, data + len, sizeof data - 1 - len, 0);
		char path[256];
		size_t whole;

		if (n <= 0)
			_exit(0);
		len += (size_t)n;
		data[len] = '\0';
		whole = request_length(data, len);
		if (whole == 0)
			continue;
		if (sscanf(data, "%*s %255s", path) != 1)
			stall(); /* a TLS client, most likely */
		behave(fd, path, data, whole);
		memmove(data, data + whole, len - whole + 1);
		len -= whole;
	}
}

static void accept_all(int listener)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0 && fork() == 0) {
			close(listener);
			serve(fd);
		}
		close(fd);
	}
}

void tiny_server_start(struct tiny_server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &size) < 0)
		abort();
	s->port = ntohs(a.sin_port);
	s->pid = fork();
	if (s->pid == 0) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		accept_all(fd);
	}
	setpgid(s->pid, s->pid);
	close(fd);
}

void tiny_server_stop(struct tiny_server *s)
{
	kill(-s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}
