/* SPDX-License-Identifier: MIT */
/* Channels: messages whole and in order, never blocking, the end noticed, freeing inside a callback. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/channel.h"

struct pair {
	struct ev_loop *loop;
	struct channel *a, *b;
	uint64_t expected; /* id of the next message at b */
	size_t got, bytes;
	int closed;
	bool free_inside;
};

static void on_message(void *arg, const struct msg_head *head, const void *payload)
{
	struct pair *p = arg;

	assert_int_equal(head->version, MSG_VERSION);
	assert_int_equal(head->id, p->expected++);
	if (head->len > 0)
		assert_int_equal(((const unsigned char *)payload)[head->len - 1], (unsigned char)head->id);
	p->got++;
	p->bytes += head->len;
	if (p->free_inside) {
		channel_free(p->b);
		p->b = NULL;
	}
}

static void on_closed(void *arg)
{
	struct pair *p = arg;

	p->closed++;
	channel_free(p->b);
	p->b = NULL;
}

static void unexpected(void *arg, const struct msg_head *head, const void *payload)
{
	(void)arg, (void)head, (void)payload;
	fail();
}

static void a_closed(void *arg)
{
	struct pair *p = arg;

	p->closed++;
	channel_free(p->a);
	p->a = NULL;
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof *p);
	int fds[2];

	if (channel_pair(fds) < 0)
		return -1;
	p->loop = ev_loop_new(EVFLAG_AUTO);
	p->a = channel_new(p->loop, fds[0], unexpected, a_closed, p);
	p->b = channel_new(p->loop, fds[1], on_message, on_closed, p);
	*state = p;
	return p->a && p->b ? 0 : -1;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	channel_free(p->a);
	channel_free(p->b);
	ev_loop_destroy(p->loop);
	free(p);
	return 0;
}

static void run_until_quiet(struct pair *p)
{
	size_t before;

	do {
		before = p->got;
		ev_run(p->loop, EVRUN_NOWAIT);
		ev_run(p->loop, EVRUN_NOWAIT);
	} while (p->got != before);
}

static int send_filled(struct pair *p, uint64_t id, size_t len)
{
	static unsigned char payload[MSG_MAX];

	memset(payload, (int)(id & 0xff), len);
	return channel_send(p->a, MSG_EVENT, PROCESS_MONITOR, id, payload, len);
}

static void test_order_and_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 4096, MSG_MAX - 1, MSG_MAX, 0, 7};
	struct pair *p = *state;
	size_t bytes = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(send_filled(p, i, sizes[i]), 0);
		bytes += sizes[i];
	}
	run_until_quiet(p);
	assert_int_equal(p->got, sizeof sizes / sizeof sizes[0]);
	assert_int_equal(p->bytes, bytes);
}

static void test_too_large(void **state)
{
	struct pair *p = *state;
	struct msg_head head = {.version = MSG_VERSION, .len = MSG_MAX + 1};

	assert_int_equal(channel_send(p->a, MSG_EVENT, PROCESS_MONITOR, 0, "", MSG_MAX + 1), -EMSGSIZE);
	assert_int_equal(channel_relay(p->a, &head, ""), -EMSGSIZE);
	assert_int_equal(channel_dropped(p->a), 0);
}

/* Beyond the socket's process messages wait, beyond the queue's they are dropped and counted; what was
 * taken arrives in order. */
static void test_full(void **state)
{
	struct pair *p = *state;
	uint64_t taken = 0;

	while (send_filled(p, taken, 60000) == 0)
		taken++;
	assert_true(taken > 4 * 1024 * 1024 / 60100);
	assert_int_equal(channel_dropped(p->a), 1);
	assert_int_equal(send_filled(p, taken, 60000), -ENOBUFS);
	assert_int_equal(channel_dropped(p->a), 2);
	run_until_quiet(p);
	assert_int_equal(p->got, taken);
	assert_int_equal(send_filled(p, taken, 10), 0);
	run_until_quiet(p);
	assert_int_equal(p->got, taken + 1);
}

static void test_relay_keeps_the_head(void **state)
{
	struct pair *p = *state;
	struct msg_head head = {
	    .version = MSG_VERSION, .type = MSG_WATCHDOG_PING, .from = 77, .to = 3, .id = 0, .len = 1};

	assert_int_equal(channel_relay(p->a, &head, "\0"), 0);
	run_until_quiet(p);
	assert_int_equal(p->got, 1);
}

static void test_garbage_is_counted(void **state)
{
	static const struct msg_head untrusted = {.version = MSG_VERSION + 1},
	                             liar = {.version = MSG_VERSION, .len = 9};
	struct pair *p = *state;

	assert_int_equal(send(channel_fd(p->a), "short", 5, 0), 5);
	assert_int_equal(send(channel_fd(p->a), &untrusted, sizeof untrusted, 0), sizeof untrusted);
	assert_int_equal(send(channel_fd(p->a), &liar, sizeof liar, 0), sizeof liar);
	run_until_quiet(p);
	ev_run(p->loop, EVRUN_NOWAIT);
	assert_int_equal(p->got, 0);
	assert_int_equal(channel_dropped(p->b), 3);
	assert_int_equal(send_filled(p, 0, 3), 0);
	run_until_quiet(p);
	assert_int_equal(p->got, 1);
}

static void test_closed(void **state)
{
	struct pair *p = *state;

	send_filled(p, 0, 5);
	channel_free(p->a);
	p->a = NULL;
	while (!p->closed)
		ev_run(p->loop, EVRUN_ONCE);
	assert_int_equal(p->got, 1); /* what it sent last was received first */
	assert_int_equal(p->closed, 1);
	assert_null(p->b);
}

static void test_free_inside(void **state)
{
	struct pair *p = *state;

	p->free_inside = true;
	send_filled(p, 0, 5);
	send_filled(p, 1, 5);
	while (!p->closed)
		ev_run(p->loop, EVRUN_ONCE);
	assert_int_equal(p->got, 1); /* nothing comes after it */
	assert_int_equal(p->closed, 1);
}

static void test_read_rest(void **state)
{
	struct pair *p = *state;
	const uint64_t many = 500;

	for (uint64_t i = 0; i < many; i++)
		assert_int_equal(send_filled(p, i, 100), 0);
	channel_read_rest(p->b);
	assert_int_equal(p->got, many);
	assert_int_equal(send_filled(p, many, 1), 0);
	channel_free(p->a);
	p->a = NULL;
	channel_read_rest(p->b);
	assert_int_equal(p->got, many + 1);
	assert_int_equal(p->closed, 0); /* that is the loop's to report */
}

static void test_read_rest_frees_inside(void **state)
{
	struct pair *p = *state;

	p->free_inside = true;
	send_filled(p, 0, 5);
	send_filled(p, 1, 5);
	channel_read_rest(p->b);
	assert_int_equal(p->got, 1);
}

static int send_event(struct pair *p, uint64_t n)
{
	struct event e = {.id = n};

	return channel_send_event(p->a, &e, sizeof e);
}

static void on_event(void *arg, const struct msg_head *head, const void *payload)
{
	struct pair *p = arg;
	struct event e;

	if (head->type != MSG_EVENT) {
		p->got++;
		return;
	}
	memcpy(&e, payload, sizeof e);
	assert_int_equal(e.id, p->expected++);
}

/* A pair whose second end counts events apart from all else. */
static void events_expect(struct pair *p)
{
	int fds[2];

	channel_free(p->a);
	channel_free(p->b);
	assert_int_equal(channel_pair(fds), 0);
	p->a = channel_new(p->loop, fds[0], unexpected, a_closed, p);
	p->b = channel_new(p->loop, fds[1], on_event, on_closed, p);
}

/* What thousands of tunnels have to say at once is kept, in order, and lets everything else pass. */
static void test_events_are_kept(void **state)
{
	struct pair *p = *state;
	const uint64_t many = 16000;

	events_expect(p);
	channel_hold_events(p->a, true);
	for (uint64_t i = 0; i < many; i++)
		assert_int_equal(send_event(p, i), 0);
	assert_int_equal(channel_send(p->a, MSG_WATCHDOG_PING, PROCESS_SUPERVISOR, 0, NULL, 0), 0);
	run_until_quiet(p);
	assert_int_equal(p->got, 1);
	assert_int_equal(p->expected, 0);
	channel_hold_events(p->a, false);
	while (p->expected < many)
		ev_run(p->loop, EVRUN_NOWAIT);
	assert_int_equal(channel_dropped(p->a), 0);
}

/* Whoever reads slowly has the pings before the events. */
static void test_events_come_last(void **state)
{
	struct pair *p = *state;
	uint64_t n = 0;

	events_expect(p);
	while (n < 5000)
		assert_int_equal(send_event(p, n++), 0);
	assert_int_equal(channel_send(p->a, MSG_WATCHDOG_PING, PROCESS_SUPERVISOR, 0, NULL, 0), 0);
	while (p->got == 0)
		ev_run(p->loop, EVRUN_NOWAIT);
	assert_true(p->expected < n);
	while (p->expected < n)
		ev_run(p->loop, EVRUN_NOWAIT);
}

/* A process that ends sends what it was told to keep. */
static void test_flush_sends_what_was_kept(void **state)
{
	struct pair *p = *state;

	events_expect(p);
	channel_hold_events(p->a, true);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(send_event(p, i), 0);
	channel_flush(p->a, 0);
	run_until_quiet(p);
	ev_run(p->loop, EVRUN_NOWAIT);
	assert_int_equal(p->expected, 20);
}

static void on_fallen(void *arg)
{
	++*(unsigned *)arg;
}

static void test_the_mark(void **state)
{
	struct pair *p = *state;
	unsigned fallen = 0;
	uint64_t n = 0;

	channel_on_fallen(p->a, 100000, on_fallen, &fallen);
	while (channel_queued_bytes(p->a) < 500000)
		assert_int_equal(send_filled(p, n++, 60000), 0);
	assert_int_equal(fallen, 0);
	run_until_quiet(p);
	assert_int_equal(p->got, n);
	assert_int_equal(fallen, 1);
}

static void test_flush(void **state)
{
	struct pair *p = *state;
	uint64_t taken = 0;

	while (send_filled(p, taken, 60000) == 0)
		taken++;
	channel_flush(p->a, 0); /* nobody reads: does not hang */
	run_until_quiet(p);
	assert_int_equal(p->got, taken);
	channel_flush(p->a, 0);
	assert_int_equal(send_filled(p, taken, 1), 0);
}

static void test_descriptors(void **state)
{
	struct pair *p = *state;

	assert_true(fcntl(channel_fd(p->a), F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(channel_fd(p->a), F_GETFL) & O_NONBLOCK);
	channel_free(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_order_and_sizes),
	    TEST(test_too_large),
	    TEST(test_full),
	    TEST(test_relay_keeps_the_head),
	    TEST(test_garbage_is_counted),
	    TEST(test_closed),
	    TEST(test_free_inside),
	    TEST(test_read_rest),
	    TEST(test_read_rest_frees_inside),
	    TEST(test_flush),
	    TEST(test_events_are_kept),
	    TEST(test_events_come_last),
	    TEST(test_flush_sends_what_was_kept),
	    TEST(test_the_mark),
	    TEST(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
