/* SPDX-License-Identifier: MIT */
/* The monitor's own listeners: a long answer in slices, and their end, when whoever was accepted is answered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "monitor/local_server.h"

#define LONG (4u << 20)

static struct shared_text *text; /* between "before" and "after"; NULL: a short answer */

static size_t on_input(struct local_conn *c, const char *bytes, size_t n, void *arg)
{
	(void)bytes, (void)arg;
	if (text != NULL) {
		local_send(c, "before", 6);
		local_send_text(c, text);
		local_send(c, "after", 5);
	} else {
		local_send(c, "answer", 6);
	}
	local_finish(c);
	return n;
}

static const struct local_rules rules = {
    .on_input = on_input, .max_connections = 8, .max_input = 64, .max_output = 2 * LONG, .deadline_s = 10};

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
	char got[16];
	struct played p;

	(void)state;
	play(&p);
	assert_int_equal(send(p.client, "?", 1, 0), 1);
	local_server_free(p.server);
	assert_int_equal(recv(p.client, got, sizeof got, 0), 6);
	assert_memory_equal(got, "answer", 6);
	assert_int_equal(recv(p.client, got, sizeof got, 0), 0);
	end(&p);
}

/* It is not waited for long. */
static void test_no_question(void **state)
{
	char got[16];
	struct played p;

	(void)state;
	play(&p);
	local_server_free(p.server);
	assert_int_equal(recv(p.client, got, sizeof got, 0), 0);
	end(&p);
}

static void text_make(void)
{
	struct buf bytes = {0};

	assert_true(buf_reserve(&bytes, LONG));
	for (size_t i = 0; i < LONG; i++)
		buf_end(&bytes)[i] = (char)(i % 251);
	buf_added(&bytes, LONG);
	text = shared_text_new(&bytes);
	assert_non_null(text);
}

/* The client's side of one turn of the loop: how much came. */
static size_t turn(const struct played *p, char *at)
{
	size_t n = 0;
	ssize_t got;

	ev_run(p->loop, EVRUN_NOWAIT);
	while ((got = recv(p->client, at + n, LONG, MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	assert_true(got < 0 || n > 0); /* it did not end early */
	return n;
}

/* Nor does it copy it, or hold it longer than it takes. */
static void test_long_text(void **state)
{
	static char got[2 * LONG + 64];
	size_t n = 0, largest = 0;
	struct played p;

	(void)state;
	play(&p);
	text_make();
	assert_int_equal(send(p.client, "?", 1, 0), 1);
	while (n < LONG + 11) {
		size_t more = turn(&p, got + n);

		n += more;
		largest = more > largest ? more : largest;
	}
	assert_in_range(largest, 1, LONG / 8);
	assert_memory_equal(got, "before", 6);
	assert_memory_equal(got + 6, buf_at(&text->bytes), LONG);
	assert_memory_equal(got + 6 + LONG, "after", 5);
	assert_int_equal(text->holders, 1);
	local_server_free(p.server);
	shared_text_release(text);
	text = NULL;
	end(&p);
}

/* Who is still being answered at the end gets what fits. */
static void test_end_of_a_long_text(void **state)
{
	struct played p;

	(void)state;
	play(&p);
	text_make();
	assert_int_equal(send(p.client, "?", 1, 0), 1);
	ev_run(p.loop, EVRUN_ONCE);
	local_server_free(p.server);
	assert_int_equal(text->holders, 1);
	shared_text_release(text);
	text = NULL;
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_last_question), cmocka_unit_test(test_no_question),
	                                   cmocka_unit_test(test_long_text),
	                                   cmocka_unit_test(test_end_of_a_long_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
