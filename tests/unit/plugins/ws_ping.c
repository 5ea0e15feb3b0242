/* SPDX-License-Identifier: MIT */
/* A page's heartbeat against servers that answer well, badly, or not at all. */
#include "common/ws_ping.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

struct peer {
	pid_t pid;
	uint16_t port;
};

/* Takes one connection, reads its head, says that and stays until the other side has closed. */
static _Noreturn void peer_main(int listener, const char *says, size_t len, bool stays)
{
	char bytes[4096];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || recv(fd, bytes, sizeof bytes, 0) <= 0 || send(fd, says, len, MSG_NOSIGNAL) < 0)
		_exit(1);
	if (!stays)
		shutdown(fd, SHUT_WR);
	while (recv(fd, bytes, sizeof bytes, 0) > 0)
		;
	if (stays)
		shutdown(fd, SHUT_WR);
	_exit(0);
}

static struct peer peer_start(const char *says, size_t len, bool stays)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	struct peer p;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	p.port = ntohs(at.sin_port);
	p.pid = fork();
	if (p.pid == 0)
		peer_main(fd, says, len, stays);
	close(fd);
	return p;
}

#define SAYS(text) text, sizeof text - 1

static void test_answers(void **state)
{
	static const struct {
		const char *says;
		size_t len;
		bool stays;
		int result;
		const char *text; /* the answer, or in why */
	} cases[] = {
	    {SAYS(HEAD "\x81\x04Pong"), false, 0, "Pong"},
	    {SAYS(HEAD "\x81\x00"), false, 0, ""},
	    {SAYS("HTTP/1.1 401 Unauthorized\r\n\r\n"), false, -EPROTO, "the WebSocket was answered 401 Unauthor"},
	    {SAYS("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"), false, -EPROTO, "was answered 200 OK"},
	    {SAYS("\r\n\r\n"), false, -EPROTO, "was answered "},
	    {SAYS("HTTP/1.1 101 Switch"), false, -ECONNRESET, "was not opened: Connection reset"},
	    {SAYS(""), false, -ECONNRESET, "was not opened: Connection reset"},
	    {SAYS(HEAD), true, -ETIMEDOUT, "the heartbeat was not answered: Connection timed out"}, /* mute */
	    {SAYS(HEAD "\x81"), false, -ECONNRESET, "heartbeat was not answered"},
	    {SAYS(HEAD "\x81\x04Po"), false, -ECONNRESET, "heartbeat was not answered"},
	    {SAYS(HEAD "\x82\x04Pong"), false, -EPROTO, "heartbeat was not answered"},     /* binary */
	    {SAYS(HEAD "\x01\x04Pong"), false, -EPROTO, "heartbeat was not answered"},     /* a fragment */
	    {SAYS(HEAD "\x88\x02\x03\xe8"), false, -EPROTO, "heartbeat was not answered"}, /* a close */
	    {SAYS(HEAD "\x81\x7e\x01\x00"), false, -EPROTO, "heartbeat was not answered"}, /* long */
	    {SAYS(HEAD "\x81\x40"
	               "0123456789012345678901234567890123456789012345678901234567890123"),
	     false, -EPROTO, "heartbeat was not answered"}, /* does not fit */
	};
	char out[32], why[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct peer p = peer_start(cases[i].says, cases[i].len, cases[i].stays);

		out[0] = why[0] = '\0';
		assert_int_equal(ws_ping("127.0.0.1", p.port, "a=b", 1, out, sizeof out, why, sizeof why),
		                 cases[i].result);
		if (strstr(cases[i].result == 0 ? out : why, cases[i].text) == NULL)
			fail_msg("case %zu: \"%s\", \"%s\" lacks \"%s\"", i, out, why, cases[i].text);
		kill(p.pid, SIGKILL);
		assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
	}
}

/* A head without end. */
static void test_endless_head(void **state)
{
	static char head[16384];
	char out[32], why[200];
	struct peer p;

	(void)state;
	memset(head, 'x', sizeof head);
	p = peer_start(head, sizeof head, false);
	assert_int_equal(ws_ping("127.0.0.1", p.port, "a=b", 5, out, sizeof out, why, sizeof why), -EMSGSIZE);
	assert_non_null(strstr(why, "the WebSocket was not opened: Message too long"));
	kill(p.pid, SIGKILL);
	waitpid(p.pid, NULL, 0);
}

static void test_nobody(void **state)
{
	struct peer p = peer_start("", 0, false);
	char out[32], why[200];
	static char cookie[9000];

	(void)state;
	memset(cookie, 'c', sizeof cookie - 1);
	assert_int_equal(ws_ping("127.0.0.1", p.port, cookie, 1, out, sizeof out, why, sizeof why), -E2BIG);
	kill(p.pid, SIGKILL);
	waitpid(p.pid, NULL, 0);
	assert_int_equal(ws_ping("127.0.0.1", p.port, "a=b", 1, out, sizeof out, why, sizeof why), -ECONNREFUSED);
	assert_non_null(strstr(why, "the WebSocket was not opened: Connection refused"));
	assert_int_equal(ws_ping("no address", p.port, "a=b", 1, out, sizeof out, why, sizeof why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_endless_head),
	                                   cmocka_unit_test(test_nobody)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
