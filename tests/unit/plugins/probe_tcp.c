/* SPDX-License-Identifier: MIT */
/* The leg to a hop that listens, against the played host. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/testhost/testhost.h"

#define SOON_MS 5000 /* only a broken build ever waits so long */

extern const struct t3ops_plugin t3ops_plugin_probe_tcp;

static int listener;
static char address[48];

static int setup(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof a;

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(listener, (const struct sockaddr *)&a, sizeof a), errno);
	assert_return_code(listen(listener, 8), errno);
	assert_return_code(getsockname(listener, (struct sockaddr *)&a, &len), errno);
	snprintf(address, sizeof address, "address=127.0.0.1:%u", ntohs(a.sin_port));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	return 0;
}

static struct t3ops_leg *begin(const char *refusal, struct testhost **h)
{
	struct t3ops_leg *leg;

	*h = testhost_new(&t3ops_plugin_probe_tcp, (const char *const[]){address, refusal, NULL});
	assert_int_equal(testhost_start(*h), 0);
	leg = testhost_leg(*h, NULL);
	testhost_leg_open(*h, leg);
	return leg;
}

/* Connecting over loopback may have come to its end at once. */
static void wait_for_it(struct testhost *h, const struct t3ops_leg *leg)
{
	if (testhost_leg_seen(leg)->state == TESTHOST_LEG_OPENING)
		assert_true(testhost_poll(h, SOON_MS));
}

static void end(struct testhost *h)
{
	testhost_stop(h);
	assert_int_equal(testhost_left(h), 0);
	assert_string_equal(testhost_bugs(h), "");
	testhost_free(h);
}

static void who_listens_answers(void **state)
{
	struct testhost *h;
	struct t3ops_leg *leg = begin("refusal_counts=false", &h);

	(void)state;
	wait_for_it(h, leg);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_UP);
	testhost_leg_ping(h, leg);
	if (testhost_leg_seen(leg)->pongs == 0)
		assert_true(testhost_poll(h, SOON_MS));
	assert_int_equal(testhost_leg_seen(leg)->pongs, 1);
	end(h);
}

static void who_refuses_answers_if_that_counts(void **state)
{
	struct testhost *h;
	struct t3ops_leg *leg;

	(void)state;
	close(listener);
	leg = begin("refusal_counts=false", &h);
	wait_for_it(h, leg);
	assert_int_equal(testhost_leg_seen(leg)->reason, T3OPS_R_REFUSED);
	end(h);
	leg = begin("refusal_counts=true", &h);
	wait_for_it(h, leg);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_UP);
	end(h);
	listener = -1;
}

/* The watchdog of the host, or its end. */
static void nothing_is_left_of_one_that_is_closed(void **state)
{
	struct testhost *h;
	struct t3ops_leg *leg = begin("refusal_counts=false", &h);

	(void)state;
	testhost_leg_close(h, leg);
	assert_false(testhost_poll(h, 0));
	testhost_advance(h, 60000);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_PAUSED);
	assert_int_equal(testhost_leg_seen(leg)->downs, 0);
	end(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_listens_answers),
	    TEST(who_refuses_answers_if_that_counts),
	    TEST(nothing_is_left_of_one_that_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
