/* SPDX-License-Identifier: MIT */
/* Whose socket is at the other end, asked of the kernel about connections of this very process. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "net/socket_owner.h"

struct pair {
	int listener, client, server;
	struct sockaddr_storage peer; /* the client, as accept reports it */
};

static socklen_t address_make(struct sockaddr_storage *a, const char *text, int family)
{
	memset(a, 0, sizeof *a);
	a->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		assert_int_equal(inet_pton(family, text, &((struct sockaddr_in *)a)->sin_addr), 1);
		return sizeof(struct sockaddr_in);
	}
	assert_int_equal(inet_pton(family, text, &((struct sockaddr_in6 *)a)->sin6_addr), 1);
	return sizeof(struct sockaddr_in6);
}

/* listens at one address and connects to another one of the same port; false: this machine lacks the family. */
static bool pair_open(struct pair *p, int family, const char *listen_at, int client_family, const char *connect_to)
{
	struct sockaddr_storage at, to;
	socklen_t len = address_make(&at, listen_at, family), peer_len = sizeof p->peer, to_len;
	in_port_t port;

	p->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, len) < 0)
		return false;
	assert_int_equal(listen(p->listener, 1), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
	port = family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port : ((struct sockaddr_in6 *)&at)->sin6_port;
	to_len = address_make(&to, connect_to, client_family);
	if (client_family == AF_INET)
		((struct sockaddr_in *)&to)->sin_port = port;
	else
		((struct sockaddr_in6 *)&to)->sin6_port = port;
	p->client = socket(client_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p->client, (struct sockaddr *)&to, to_len), 0);
	p->server = accept(p->listener, (struct sockaddr *)&p->peer, &peer_len);
	assert_true(p->server >= 0);
	return true;
}

static void pair_close(struct pair *p)
{
	if (p->client >= 0)
		close(p->client);
	close(p->server);
	close(p->listener);
}

static enum socket_owner_result find(const struct pair *p, const struct sockaddr *peer, uid_t *uid)
{
	struct socket_owner s;
	enum socket_owner_result result;

	assert_int_equal(socket_owner_open(&s), 0);
	result = socket_owner_find(&s, p->server, peer, uid);
	socket_owner_close(&s);
	return result;
}

static void test_found(void **state)
{
	static const struct {
		int family;
		const char *listen_at;
		int client_family;
		const char *connect_to;
	} rows[] = {
	    {AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"},
	    {AF_INET, "0.0.0.0", AF_INET, "127.3.2.1"},
	    {AF_INET6, "::1", AF_INET6, "::1"},
	    {AF_INET6, "::", AF_INET, "127.0.0.1"},
	    {AF_INET6, "::", AF_INET6, "::1"},
	    {AF_INET, "127.0.0.1", AF_INET6, "::ffff:127.0.0.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pair p;
		uid_t uid = (uid_t)-1;

		if (!pair_open(&p, rows[i].family, rows[i].listen_at, rows[i].client_family, rows[i].connect_to))
			continue; /* no IPv6 here */
		assert_int_equal(find(&p, (struct sockaddr *)&p.peer, &uid), SOCKET_OWNER_FOUND);
		assert_int_equal(uid, getuid());
		pair_close(&p);
	}
}

/* "Send and close": the bytes are here, and their sender is gone. */
static void test_closed_already(void **state)
{
	struct pair p;
	uid_t uid;

	(void)state;
	assert_true(pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	assert_int_equal(write(p.client, "x", 1), 1);
	close(p.client);
	p.client = -1;
	assert_int_equal(find(&p, (struct sockaddr *)&p.peer, &uid), SOCKET_OWNER_UNKNOWN);
	pair_close(&p);
}

/* Connects once more from where the pair's client was; -1: somebody else on this machine was given that port. */
static int again_from_there(const struct pair *p)
{
	struct sockaddr_storage to;
	socklen_t len = sizeof to;
	const struct linger at_once = {1, 0};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getpeername(p->client, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(setsockopt(p->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	close(p->client);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	if (bind(fd, (const struct sockaddr *)&p->peer, sizeof(struct sockaddr_in)) < 0 && errno == EADDRINUSE) {
		close(fd);
		return -1;
	}
	assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
	return fd;
}

/* Whoever has the four numbers now did not send what is still here to be read. */
static void test_another_one_has_its_port(void **state)
{
	struct pair p;
	char byte;
	uid_t uid;

	(void)state;
	for (int tries = 0;; tries++) {
		assert_true(tries < 20);
		assert_true(pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
		assert_int_equal(write(p.client, "x", 1), 1);
		p.client = again_from_there(&p);
		if (p.client >= 0)
			break;
		pair_close(&p);
	}
	assert_int_equal(find(&p, (struct sockaddr *)&p.peer, &uid), SOCKET_OWNER_UNKNOWN);
	assert_int_equal(read(p.server, &byte, 1), 1);
	pair_close(&p);
}

/* Half closed by us: the other end still holds its socket. */
static void test_half_closed(void **state)
{
	struct pair p;
	uid_t uid;

	(void)state;
	assert_true(pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	assert_int_equal(shutdown(p.server, SHUT_WR), 0);
	assert_int_equal(find(&p, (struct sockaddr *)&p.peer, &uid), SOCKET_OWNER_FOUND);
	assert_int_equal(shutdown(p.client, SHUT_WR), 0); /* LAST_ACK and later states count no more */
	assert_int_equal(find(&p, (struct sockaddr *)&p.peer, &uid), SOCKET_OWNER_UNKNOWN);
	pair_close(&p);
}

static void test_elsewhere(void **state)
{
	struct sockaddr_storage there;
	struct pair p;
	uid_t uid;

	(void)state;
	assert_true(pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	address_make(&there, "192.0.2.1", AF_INET);
	assert_int_equal(find(&p, (struct sockaddr *)&there, &uid), SOCKET_OWNER_ELSEWHERE);
	address_make(&there, "2001:db8::1", AF_INET6);
	assert_int_equal(find(&p, (struct sockaddr *)&there, &uid), SOCKET_OWNER_ELSEWHERE);
	address_make(&there, "127.200.1.1", AF_INET); /* ours, and nobody's */
	assert_int_equal(find(&p, (struct sockaddr *)&there, &uid), SOCKET_OWNER_UNKNOWN);
	pair_close(&p);
}

static void test_listener(void **state)
{
	static const struct {
		int family;
		const char *listen_at;
		int client_family;
		const char *connect_to;
	} rows[] = {{AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"},
	            {AF_INET, "0.0.0.0", AF_INET, "127.3.2.1"},
	            {AF_INET6, "::1", AF_INET6, "::1"},
	            {AF_INET6, "::", AF_INET, "127.0.0.1"}};
	struct socket_owner s;

	(void)state;
	assert_int_equal(socket_owner_open(&s), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sockaddr_storage to;
		socklen_t len = sizeof to;
		struct pair p, other;
		uint64_t number;

		if (!pair_open(&p, rows[i].family, rows[i].listen_at, rows[i].client_family, rows[i].connect_to))
			continue;
		assert_int_equal(getpeername(p.client, (struct sockaddr *)&to, &len), 0);
		number = socket_owner_listener(&s, (struct sockaddr *)&to);
		assert_true(number != 0);
		assert_true(socket_owner_listener(&s, (struct sockaddr *)&to) == number);
		if (pair_open(&other, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1")) {
			struct sockaddr_storage there;

			len = sizeof there;
			assert_int_equal(getpeername(other.client, (struct sockaddr *)&there, &len), 0);
			assert_true(socket_owner_listener(&s, (struct sockaddr *)&there) != number);
			pair_close(&other);
		}
		pair_close(&p);
		assert_true(socket_owner_listener(&s, (struct sockaddr *)&to) == 0);
	}
	socket_owner_close(&s);
}

static void test_works(void **state)
{
	struct socket_owner s;

	(void)state;
	assert_int_equal(socket_owner_open(&s), 0);
	assert_true(socket_owner_works(&s));
	socket_owner_close(&s);
	assert_false(socket_owner_works(&s)); /* as where nobody answers */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),          cmocka_unit_test(test_works),
	    cmocka_unit_test(test_closed_already), cmocka_unit_test(test_another_one_has_its_port),
	    cmocka_unit_test(test_half_closed),    cmocka_unit_test(test_elsewhere),
	    cmocka_unit_test(test_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
