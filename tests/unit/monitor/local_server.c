/* SPDX-License-Identifier: MIT */
/* The end of the monitor's own listeners: whoever was accepted is answered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "monitor/local_server.h"

static size_t on_input(struct local_conn *c, const char *bytes, size_t n, void *arg)
{
	(void)bytes, (void)arg;
	local_send(c, "answer", 6);
	local_finish(c);
	return n;
}

static const struct local_rules rules = {
    .on_input = on_input, .max_connections = 8, .max_input = 64, .max_output = 64, .deadline_s = 10};

struct played {
	struct ev_loop *loop;
	struct local_server *server;
	int listener, client;
};

/* A client that was accepted. */
static void play(struct played *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(p->listener, 8), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&a, &len), 0);
	p->loop = ev_loop_new(0);
	p->server = local_server_new(p->loop, p->listener, &rules, NULL);
	p->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(p->client, (struct sockaddr *)&a, sizeof a), 0);
	ev_run(p->loop, EVRUN_ONCE);
}

static void end(const struct played *p)
{
	close(p->client);
	close(p->listener);
	ev_loop_destroy(p->loop);
}

static void test_last_question(void **state)
{
	char text[16];
	struct played p;

	(void)state;
	play(&p);
	assert_int_equal(send(p.client, "?", 1, 0), 1);
	local_server_free(p.server);
	assert_int_equal(recv(p.client, text, sizeof text, 0), 6);
	assert_memory_equal(text, "answer", 6);
	assert_int_equal(recv(p.client, text, sizeof text, 0), 0);
	end(&p);
}

/* It is not waited for long. */
static void test_no_question(void **state)
{
	char text[16];
	struct played p;

	(void)state;
	play(&p);
	local_server_free(p.server);
	assert_int_equal(recv(p.client, text, sizeof text, 0), 0);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_last_question), cmocka_unit_test(test_no_question)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
