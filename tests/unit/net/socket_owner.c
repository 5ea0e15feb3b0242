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

#define TRIES 1000 /* for a port that nobody else on a busy machine is given meanwhile */

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
		assert_true(tries < TRIES);
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

/* The same where the connection itself is asked only when it is read from: the answer is about the other one. */
static void other_one_ask(bool half_closed, int broken)
{
	struct socket_owner_question q = {0};
	struct sockaddr_storage own;
	struct socket_owner s;
	struct pair p;
	char bytes[8];

	for (int tries = 0;; tries++) {
		assert_true(tries < TRIES);
		assert_true(pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
		assert_int_equal(write(p.client, "x", 1), 1);
		if (half_closed)
			assert_int_equal(shutdown(p.client, SHUT_WR), 0);
		assert_true(socket_owner_is_at(p.listener, &own));
		p.client = again_from_there(&p);
		if (p.client >= 0)
			break;
		pair_close(&p);
	}
	q.peer = (struct sockaddr *)&p.peer;
	q.own = (struct sockaddr *)&own;
	assert_int_equal(socket_owner_open(&s), 0);
	socket_owner_ask(&s, &q, 1);
	socket_owner_close(&s);
	assert_int_equal(q.result, SOCKET_OWNER_FOUND);
	assert_int_equal(socket_owner_read(p.server, bytes, sizeof bytes), broken);
	assert_int_equal(read(p.server, bytes, sizeof bytes), 1); /* it had come before */
	pair_close(&p);
}

static void test_another_one_had_its_port_when_it_was_asked(void **state)
{
	(void)state;
	other_one_ask(false, -ECONNRESET);
	other_one_ask(true, -EPIPE);
}

static void test_read(void **state)
{
	struct pair p;
	char bytes[8];

	(void)state;
	assert_true(pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	assert_int_equal(socket_owner_read(p.server, bytes, sizeof bytes), -EAGAIN);
	assert_int_equal(write(p.client, "abc", 3), 3);
	assert_int_equal(socket_owner_read(p.server, bytes, sizeof bytes), 3);
	assert_memory_equal(bytes, "abc", 3);
	assert_int_equal(write(p.client, "d", 1), 1);
	close(p.client); /* an orderly end breaks nothing */
	p.client = -1;
	assert_int_equal(socket_owner_read(p.server, bytes, sizeof bytes), 1);
	assert_int_equal(socket_owner_read(p.server, bytes, sizeof bytes), 0);
	pair_close(&p);
}

#define MANY 40

/* More than one datagram holds, and every third is gone: each answer belongs to its question. */
static void test_many_at_once(void **state)
{
	struct socket_owner_question q[MANY];
	struct sockaddr_storage own[MANY];
	struct pair pairs[MANY];
	struct socket_owner s;

	(void)state;
	assert_int_equal(socket_owner_open(&s), 0);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(pair_open(&pairs[i], AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
		assert_true(socket_owner_is_at(pairs[i].listener, &own[i]));
		q[i] = (struct socket_owner_question){.peer = (struct sockaddr *)&pairs[i].peer,
		                                      .own = (struct sockaddr *)&own[i]};
		if (i % 3 != 0)
			continue;
		close(pairs[i].client);
		pairs[i].client = -1;
	}
	socket_owner_ask(&s, q, 0);
	socket_owner_ask(&s, q, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(q[i].result, i % 3 == 0 ? SOCKET_OWNER_UNKNOWN : SOCKET_OWNER_FOUND);
		if (i % 3 != 0)
			assert_int_equal(q[i].uid, getuid());
		pair_close(&pairs[i]);
	}
	socket_owner_close(&s);
}

/* Looking for a route is a question, too, between those of a batch: no connection gets the answer of the next one. */
static void test_many_of_which_some_are_from_elsewhere(void **state)
{
	static const enum socket_owner_result expected[] = {SOCKET_OWNER_FOUND,   SOCKET_OWNER_ELSEWHERE,
	                                                    SOCKET_OWNER_UNKNOWN, SOCKET_OWNER_FOUND,
	                                                    SOCKET_OWNER_UNKNOWN, SOCKET_OWNER_FOUND};
	enum { N = sizeof expected / sizeof expected[0] };
	struct socket_owner_question q[N];
	struct sockaddr_storage own[N];
	struct pair pairs[N];
	struct socket_owner s;

	(void)state;
	assert_int_equal(socket_owner_open(&s), 0);
	for (size_t i = 0; i < N; i++) {
		assert_true(pair_open(&pairs[i], AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
		assert_true(socket_owner_is_at(pairs[i].listener, &own[i]));
		if (expected[i] == SOCKET_OWNER_ELSEWHERE) {
			address_make(&pairs[i].peer, "192.0.2.1", AF_INET);
		} else if (expected[i] == SOCKET_OWNER_UNKNOWN) {
			close(pairs[i].client);
			pairs[i].client = -1;
		}
		q[i] = (struct socket_owner_question){.peer = (struct sockaddr *)&pairs[i].peer,
		                                      .own = (struct sockaddr *)&own[i]};
	}
	socket_owner_ask(&s, q, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(q[i].result, expected[i]);
		if (q[i].result == SOCKET_OWNER_FOUND)
			assert_int_equal(q[i].uid, getuid());
		pair_close(&pairs[i]);
	}
	socket_owner_close(&s);
}

static void test_where_a_listener_is(void **state)
{
	static const struct {
		const char *at;
		int family;
		bool known;
	} rows[] = {
	    {"127.0.0.1", AF_INET, true}, {"0.0.0.0", AF_INET, false},          {"::1", AF_INET6, true},
	    {"::", AF_INET6, false},      {"::ffff:127.0.0.1", AF_INET6, true}, {"::ffff:0.0.0.0", AF_INET6, false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sockaddr_storage at, found;
		socklen_t len = address_make(&at, rows[i].at, rows[i].family);
		int on = 1, fd = socket(rows[i].family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0) {
			close(fd);
			continue; /* no IPv6 here */
		}
		assert_int_equal(socket_owner_is_at(fd, &found), rows[i].known);
		if (rows[i].family == AF_INET && setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on) == 0)
			assert_false(socket_owner_is_at(fd, &found)); /* it takes what was meant for others */
		close(fd);
	}
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
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_works),
	    cmocka_unit_test(test_closed_already),
	    cmocka_unit_test(test_another_one_has_its_port),
	    cmocka_unit_test(test_half_closed),
	    cmocka_unit_test(test_elsewhere),
	    cmocka_unit_test(test_listener),
	    cmocka_unit_test(test_another_one_had_its_port_when_it_was_asked),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_many_at_once),
	    cmocka_unit_test(test_many_of_which_some_are_from_elsewhere),
	    cmocka_unit_test(test_where_a_listener_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
