/* SPDX-License-Identifier: MIT */
/* Connections that count only if the right account has accepted them: TCP and Unix sockets of this very process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/dial.h"

#define LIMIT_US UINT64_C(30000)
#define LONG_US  UINT64_C(20000000)

struct lab {
	struct dialer dialer;
	struct dial dial;
	char dir[64], path[96];
	int listener;
	int error; /* of done; 1: it has not come */
	int impostors, connected;
	uid_t found;
};

static void on_impostor(void *arg, const struct dial_target *target, uid_t found)
{
	struct lab *lab = arg;

	assert_string_equal(target->user, "alice");
	lab->impostors++;
	lab->found = found;
}

static void on_connected(void *arg)
{
	((struct lab *)arg)->connected++;
}

static void on_done(void *arg, int error)
{
	((struct lab *)arg)->error = error;
}

static const struct dial_callbacks callbacks = {.connected = on_connected, .done = on_done};

static void folder_make(struct lab *lab, const char *where)
{
	snprintf(lab->dir, sizeof lab->dir, "%s/t3ops-dial.XXXXXX", where);
	assert_non_null(mkdtemp(lab->dir));
	snprintf(lab->path, sizeof lab->path, "%s/s", lab->dir);
}

static void folder_remove(const struct lab *lab)
{
	unlink(lab->path);
	rmdir(lab->dir);
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof *lab);

	lab->error = 1;
	lab->listener = -1;
	lab->dialer = (struct dialer){.loop = ev_loop_new(0), .on_impostor = on_impostor, .arg = lab};
	assert_int_equal(socket_owner_open(&lab->dialer.owners), 0);
	folder_make(lab, "/tmp");
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	dial_stop(&lab->dial);
	if (lab->listener >= 0)
		close(lab->listener);
	folder_remove(lab);
	socket_owner_close(&lab->dialer.owners);
	ev_loop_destroy(lab->dialer.loop);
	free(lab);
	return 0;
}

static struct dial_target tcp_listen(struct lab *lab)
{
	struct dial_target target = {.user = "alice", .has_owner = true, .owner = getuid()};
	struct sockaddr_in *v4 = (void *)&target.address;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	target.len = sizeof *v4;
	lab->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(lab->listener, (struct sockaddr *)v4, target.len), 0);
	assert_int_equal(listen(lab->listener, 4), 0);
	assert_int_equal(getsockname(lab->listener, (struct sockaddr *)v4, &target.len), 0);
	return target;
}

static struct dial_target path_target(const struct lab *lab)
{
	struct dial_target target = {.user = "alice", .has_owner = true, .owner = getuid()};

	strcpy(target.path, lab->path);
	return target;
}

static struct dial_target path_listen(struct lab *lab, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, lab->path);
	lab->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(lab->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(lab->listener, backlog), 0);
	return path_target(lab);
}

static int start(struct lab *lab, const struct dial_target *target, uint64_t limit_us)
{
	return dial_start(&lab->dial, &lab->dialer, target, limit_us, &callbacks, lab);
}

static int end_of(struct lab *lab)
{
	while (lab->error == 1)
		ev_run(lab->dialer.loop, EVRUN_ONCE);
	return lab->error;
}

/* The end of a dial whose connection is accepted at once; what was sent before that: nothing. */
static int end_of_accepted(struct lab *lab)
{
	int peer = accept(lab->listener, NULL, NULL), error = end_of(lab);
	char byte;

	assert_true(peer >= 0);
	assert_true(recv(peer, &byte, 1, MSG_DONTWAIT) <= 0);
	close(peer);
	return error;
}

static void taken_check(struct lab *lab)
{
	int fd = dial_take(&lab->dial);

	assert_true(fd >= 0);
	dial_stop(&lab->dial); /* closes nothing that was taken */
	assert_int_equal(close(fd), 0);
}

static void test_the_owner(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);

	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(lab->error, 1); /* never from inside */
	assert_int_equal(end_of_accepted(lab), 0);
	assert_int_equal(lab->connected, 1);
	taken_check(lab);
}

static void test_somebody_else(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);

	target.owner++;
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of_accepted(lab), -EKEYREJECTED);
	assert_int_equal(lab->impostors, 1);
	assert_int_equal(lab->found, getuid());
}

static void test_nobody_accepts(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);

	assert_int_equal(start(lab, &target, LIMIT_US), 0);
	assert_int_equal(end_of(lab), -ETIMEDOUT);
	assert_int_equal(lab->connected, 1);
	assert_int_equal(lab->impostors, 0);
}

static void on_later(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	shutdown(*(int *)w->data, SHUT_RDWR); /* resets whoever waits to be accepted */
}

static void test_it_ends_before_anybody_accepts(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);
	struct ev_timer later;

	ev_timer_init(&later, on_later, .01, 0.);
	later.data = &lab->listener;
	ev_timer_start(lab->dialer.loop, &later);
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of(lab), -ECONNRESET);
}

static void test_nobody_listens(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);
	int r;

	close(lab->listener);
	lab->listener = -1;
	r = start(lab, &target, LONG_US);
	assert_int_equal(r < 0 ? r : end_of(lab), -ECONNREFUSED);
}

static void test_nobody_knows_the_owner(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);

	target.has_owner = false;
	assert_int_equal(start(lab, &target, LONG_US), -ENOKEY);
	target.as_it_is = true;
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of(lab), 0); /* without being asked */
	taken_check(lab);
}

static void test_path(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = path_target(lab);

	assert_int_equal(start(lab, &target, LONG_US), -ENOENT);
	target = path_listen(lab, 4);
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of_accepted(lab), 0);
	taken_check(lab);
	lab->error = 1;
	target.owner++;
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of_accepted(lab), -EKEYREJECTED);
	assert_int_equal(lab->found, getuid());
}

static void test_owner_of_the_directory(void **state)
{
	static const struct {
		mode_t mode;
		int error;
	} rows[] = {{0755, 0}, {0700, 0}, {0775, -ENOKEY}, {0757, -ENOKEY}, {0777, -ENOKEY}, {01777, -ENOKEY}};
	struct lab *lab = *state;
	struct dial_target target;

	if (getuid() != 0)
		skip(); /* no directory above is root's alone and can be written to */
	folder_remove(lab);
	folder_make(lab, "/run");
	target = path_listen(lab, 20);
	target.has_owner = false;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(chmod(lab->dir, rows[i].mode), 0);
		lab->error = 1;
		assert_int_equal(start(lab, &target, LONG_US), rows[i].error);
		if (rows[i].error != 0)
			continue;
		assert_int_equal(end_of_accepted(lab), 0);
		taken_check(lab);
	}
}

/* Before it was made, or once it is removed, anybody can make it. */
static void test_directory_where_all_can_write(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = path_listen(lab, 4);

	target.has_owner = false;
	assert_int_equal(start(lab, &target, LONG_US), -ENOKEY);
}

static void test_the_address_beside_a_path(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);

	strcpy(target.path, lab->path);
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of_accepted(lab), 0);
	taken_check(lab);
	lab->error = 1;
	target.owner++;
	assert_int_equal(start(lab, &target, LONG_US), 0);
	assert_int_equal(end_of_accepted(lab), -EKEYREJECTED);
}

static void test_a_full_backlog(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = path_listen(lab, 0);
	int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, lab->path);
	assert_int_equal(connect(first, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(start(lab, &target, LIMIT_US), 0);
	assert_int_equal(end_of(lab), -ETIMEDOUT);
	lab->error = 1;
	assert_int_equal(start(lab, &target, LONG_US), 0);
	ev_run(lab->dialer.loop, EVRUN_ONCE);
	peer = accept(lab->listener, NULL, NULL);
	assert_int_equal(end_of(lab), 0);
	taken_check(lab);
	close(peer);
	close(first);
}

/* The loop is empty afterwards: nothing is left to wait for. */
static void test_stop_at_any_time(void **state)
{
	struct lab *lab = *state;
	struct dial_target target = tcp_listen(lab);

	for (int turns = 0; turns < 4; turns++) {
		lab->error = 1;
		assert_int_equal(start(lab, &target, LONG_US), 0);
		for (int i = 0; i < turns; i++)
			ev_run(lab->dialer.loop, EVRUN_ONCE);
		assert_int_equal(lab->error, 1);
		dial_stop(&lab->dial);
		assert_int_equal(ev_run(lab->dialer.loop, EVRUN_ONCE), 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_owner),
	    TEST(test_somebody_else),
	    TEST(test_nobody_accepts),
	    TEST(test_it_ends_before_anybody_accepts),
	    TEST(test_nobody_listens),
	    TEST(test_nobody_knows_the_owner),
	    TEST(test_path),
	    TEST(test_owner_of_the_directory),
	    TEST(test_directory_where_all_can_write),
	    TEST(test_the_address_beside_a_path),
	    TEST(test_a_full_backlog),
	    TEST(test_stop_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
