/* SPDX-License-Identifier: MIT */
/* Who holds whose commands. */
#include "helper/user_holds.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct user_of_run user(const char *name, const char *account, unsigned port)
{
	struct user row = {.port = (uint16_t)port};
	struct user_of_run u;

	snprintf(row.name, sizeof row.name, "%s", name);
	snprintf(row.os_user, sizeof row.os_user, "%s", account);
	snprintf(row.host, sizeof row.host, "127.0.0.1");
	user_of_run_set(&u, &row);
	return u;
}

static void test_a_life(void **state)
{
	struct user_holds all = LIST_HEAD_INITIALIZER(all);
	struct user_of_run alice = user("alice", "alice", 1), bob = user("bob", "bob", 2);
	struct user_hold hold = {0};

	(void)state;
	user_hold_release(&hold); /* one that is free */
	assert_null(user_holds_find(&all, &alice));
	assert_int_equal(user_hold_take(&all, &hold, &alice, 7), 0);
	assert_int_equal(hold.state, USER_HOLD_ASKED);
	assert_int_equal(hold.id, 7);
	assert_ptr_equal(user_holds_find(&all, &alice), &hold);
	assert_null(user_holds_find(&all, &bob));
	user_hold_begin(&hold);
	assert_int_equal(hold.state, USER_HOLD_HELD);
	user_hold_release(&hold);
	assert_null(user_holds_find(&all, &alice));
	user_hold_release(&hold);
}

/* Of two jobs for one user the second is refused, and changes nothing; the next one takes it up. */
static void test_two_jobs(void **state)
{
	struct user_holds all = LIST_HEAD_INITIALIZER(all);
	struct user_of_run alice = user("alice", "alice", 1);
	struct user_hold first = {0}, second = {0};

	(void)state;
	assert_int_equal(user_hold_take(&all, &first, &alice, 1), 0);
	assert_int_equal(user_hold_take(&all, &second, &alice, 2), -EBUSY);
	assert_int_equal(second.state, USER_HOLD_FREE);
	user_hold_release(&second);
	assert_ptr_equal(user_holds_find(&all, &alice), &first);
	user_hold_release(&first);
	assert_int_equal(user_hold_take(&all, &second, &alice, 3), 0);
	assert_ptr_equal(user_holds_find(&all, &alice), &second);
}

/* Commands may have begun in between: they are waited for once more. */
static void test_taken_again(void **state)
{
	struct user_holds all = LIST_HEAD_INITIALIZER(all);
	struct user_of_run alice = user("alice", "alice", 1);
	struct user_hold hold = {0};

	(void)state;
	assert_int_equal(user_hold_take(&all, &hold, &alice, 1), 0);
	user_hold_begin(&hold);
	assert_int_equal(user_hold_take(&all, &hold, &alice, 2), 0);
	assert_int_equal(hold.state, USER_HOLD_ASKED);
	assert_int_equal(hold.id, 2);
	user_hold_release(&hold);
	assert_true(LIST_EMPTY(&all));
}

/* By account and address, whatever the rows are called; a name stays whatever its row says now. */
static void test_one_server(void **state)
{
	struct user_holds all = LIST_HEAD_INITIALIZER(all);
	struct user_of_run alice = user("alice", "alice", 1), alias = user("a.smith", "alice", 1),
	                   moved = user("alice", "alice", 9), other = user("test", "alice", 2),
	                   port = user("bob", "bob", 1);
	struct user_hold hold = {0};

	(void)state;
	assert_int_equal(user_hold_take(&all, &hold, &alice, 1), 0);
	assert_ptr_equal(user_holds_find(&all, &alias), &hold);
	assert_ptr_equal(user_holds_find(&all, &moved), &hold);
	assert_null(user_holds_find(&all, &other));
	assert_null(user_holds_find(&all, &port));
}

/* However long all of it is, it is told from another. */
static void test_long_texts(void **state)
{
	struct user row = {.port = 65535};
	struct user_of_run a, b;

	(void)state;
	memset(row.name, 'n', sizeof row.name - 1);
	memset(row.os_user, 'u', sizeof row.os_user - 1);
	memset(row.host, 'h', sizeof row.host - 1);
	memset(row.socket, 's', sizeof row.socket - 1);
	user_of_run_set(&a, &row);
	row.name[0] = 'm';
	row.socket[sizeof row.socket - 2] = 'z';
	user_of_run_set(&b, &row);
	assert_true(user_of_run_is_same(&a, &a));
	assert_false(user_of_run_is_same(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_life), cmocka_unit_test(test_two_jobs),
	                                   cmocka_unit_test(test_taken_again), cmocka_unit_test(test_one_server),
	                                   cmocka_unit_test(test_long_texts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
