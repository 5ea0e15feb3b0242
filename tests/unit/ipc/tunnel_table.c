/* SPDX-License-Identifier: MIT */
/* The table of tunnels: slots are handed out once, and marks say whose they are. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/channel.h"
#include "sys/fdpass.h"
#include "ipc/tunnel_table.h"

static void test_every_slot_once(void **state)
{
	int fd;
	struct tunnel_table *b = tunnel_table_new(&fd);
	bool *seen = calloc(TUNNEL_SLOTS, sizeof *seen);

	(void)state;
	assert_non_null(b);
	assert_non_null(seen);
	for (int i = 0; i < TUNNEL_SLOTS; i++) {
		int32_t n = tunnel_table_take(b, 7);

		assert_true(n >= 0 && n < TUNNEL_SLOTS);
		assert_false(seen[n]);
		seen[n] = true;
		assert_int_equal(tunnel_slot_mark_read(&b->slots[n]), SLOT_DIRTY);
		assert_int_equal(tunnel_slot_serial(&b->slots[n]), 7);
	}
	assert_int_equal(tunnel_table_take(b, 7), -1);
	tunnel_slot_release(&b->slots[4711]);
	assert_int_equal(tunnel_slot_mark_read(&b->slots[4711]), SLOT_FREE);
	assert_int_equal(tunnel_table_take(b, 8), 4711);
	assert_int_equal(tunnel_slot_serial(&b->slots[4711]), 8);
	free(seen);
	tunnel_table_free(b);
	close(fd);
}

static void test_marks(void **state)
{
	int fd;
	struct tunnel_table *b = tunnel_table_new(&fd);
	struct tunnel_slot *s;

	(void)state;
	assert_non_null(b);
	assert_int_equal(tunnel_table_take(NULL, 1), -1);
	s = &b->slots[tunnel_table_take(b, 1)];
	tunnel_slot_clean(s);
	assert_int_equal(tunnel_slot_mark_read(s), SLOT_CLEAN);
	tunnel_slot_dirty(s);
	assert_int_equal(tunnel_slot_mark_read(s), SLOT_DIRTY);
	tunnel_slot_assign(s, 2);
	assert_int_equal(tunnel_slot_serial(s), 2);
	tunnel_slot_release(s);
	assert_int_equal(tunnel_slot_serial(s), 0);
	tunnel_table_free(b);
	close(fd);
}

/* A slot forgets its tunnel before it can be taken again. */
static void test_whose_it_is(void **state)
{
	int fd;
	struct tunnel_table *b = tunnel_table_new(&fd);
	struct tunnel_slot *s;

	(void)state;
	assert_non_null(b);
	s = &b->slots[tunnel_table_take(b, 1)];
	s->tunnel = 11;
	assert_true(tunnel_slot_is_of(s, 11));
	assert_false(tunnel_slot_is_of(s, 12));
	tunnel_slot_release(s);
	assert_false(tunnel_slot_is_of(s, 11));
	assert_false(tunnel_slot_is_of(s, 0));
	tunnel_slot_dirty(s);
	assert_false(tunnel_slot_is_of(s, 11));
	tunnel_table_free(b);
	close(fd);
}

/* What one process writes outlives it: that is the table's whole purpose. */
static void test_outlives_its_writer(void **state)
{
	int fd;
	struct tunnel_table *b = tunnel_table_new(&fd);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(b);
	pid = fork();
	if (pid == 0) {
		struct tunnel_slot *s = &b->slots[tunnel_table_take(b, 3)];

		strcpy(s->colo, "FRA");
		tunnel_slot_clean(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(tunnel_slot_mark_read(&b->slots[0]), SLOT_CLEAN);
	assert_string_equal(b->slots[0].colo, "FRA");
	tunnel_table_free(b);
	close(fd);
}

/* The next binary goes on with it, if it knows what stands there. */
static void test_attached_again(void **state)
{
	struct tunnel_hello layout = tunnel_layout();
	int fd, other;
	struct tunnel_table *b = tunnel_table_new(&fd), *again;

	(void)state;
	assert_non_null(b);
	assert_int_not_equal(b->id, 0);
	tunnel_slot_clean(&b->slots[tunnel_table_take(b, 3)]);
	again = tunnel_table_attach(fd, &layout);
	assert_non_null(again);
	assert_int_equal(again->id, b->id);
	assert_int_equal(tunnel_slot_mark_read(&again->slots[0]), SLOT_CLEAN);
	tunnel_table_free(again);
	layout.version++;
	assert_null(tunnel_table_attach(fd, &layout));
	assert_int_equal(errno, EPROTO);
	layout = tunnel_layout();
	other = memfd_create("short", MFD_CLOEXEC);
	assert_null(tunnel_table_attach(other, &layout));
	assert_int_equal(errno, EPROTO);
	assert_null(tunnel_table_attach(-1, &layout));
	close(other);
	tunnel_table_free(b);
	close(fd);
}

/* Whatever a proxy writes there, another one's search for a slot stays inside. */
static void test_after_a_wild_one(void **state)
{
	int fd;
	struct tunnel_table *b = tunnel_table_new(&fd);

	(void)state;
	assert_non_null(b);
	b->next = UINT32_MAX;
	assert_in_range(tunnel_table_take(b, 7), 0, TUNNEL_SLOTS - 1);
	memset(b, 0xa5, sizeof *b);
	assert_int_equal(tunnel_table_take(b, 7), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	tunnel_table_free(b);
	close(fd);
}

/* Whatever a proxy left there, each is true or false, and the next one goes on. */
static void test_truth_values_of_a_wild_one(void **state)
{
	struct tunnel_state s;

	(void)state;
	memset(&s, 0xa5, sizeof s);
	assert_in_range(s.reported, 0, 1);
	assert_in_range(s.client_closed_first, 0, 1);
	assert_in_range(s.client.eof, 0, 1);
	assert_in_range(s.client.shut, 0, 1);
	assert_in_range(s.upstream.frames.closing, 0, 1);
	assert_in_range(s.upstream.frames.closed, 0, 1);
	assert_in_range(s.upstream.frames.garbage, 0, 1);
}

static void test_parcel_carries_descriptors(void **state)
{
	struct handoff_record p = {.id = 42, .user = "alice"}, got;
	int pair[2], pipes[2], came[FDPASS_MAX];
	struct iovec part = {&got, sizeof got};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	union fdpass fdpass;
	char byte = 0;

	(void)state;
	assert_int_equal(channel_pair(pair), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(handoff_send(pair[0], &p, sizeof p, pipes, 2), 0);
	fdpass_expect(&m, &fdpass);
	assert_int_equal(recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC), sizeof got);
	assert_int_equal(fdpass_detach(&m, came), 2);
	assert_int_equal(got.id, 42);
	assert_string_equal(got.user, "alice");
	assert_int_equal(write(came[1], "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(pair[1]);
	assert_int_equal(handoff_send(pair[0], &p, sizeof p, pipes, 2), -EPIPE);
	for (int i = 0; i < 2; i++) {
		close(came[i]);
		close(pipes[i]);
	}
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_slot_once),
	    cmocka_unit_test(test_marks),
	    cmocka_unit_test(test_whose_it_is),
	    cmocka_unit_test(test_outlives_its_writer),
	    cmocka_unit_test(test_attached_again),
	    cmocka_unit_test(test_after_a_wild_one),
	    cmocka_unit_test(test_truth_values_of_a_wild_one),
	    cmocka_unit_test(test_parcel_carries_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
