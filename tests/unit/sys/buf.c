/* SPDX-License-Identifier: MIT */
/* A queue of bytes: what goes in comes out, however it grew, and an empty one takes no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sys/buf.h"

#define SOME 700 /* more than half of what an empty one makes room for at first */

static void holds(const struct buf *b, const char *text)
{
	assert_int_equal(buf_len(b), strlen(text));
	if (text[0] != '\0')
		assert_memory_equal(buf_at(b), text, strlen(text));
}

static void test_empty(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(sizeof b, sizeof(void *));
	holds(&b, "");
	assert_int_equal(buf_size(&b), 0);
	assert_null(buf_at(&b));
	assert_null(buf_end(&b));
	assert_true(buf_add(&b, NULL, 0));
	buf_added(&b, 0);
	buf_cut(&b, 0);
	buf_drop(&b, 0);
	buf_clear(&b);
	buf_fini(&b);
	assert_null(b.room);
}

static void test_in_and_out(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_true(buf_add_text(&b, "one"));
	assert_true(buf_printf(&b, " and %s", "two"));
	holds(&b, "one and two");
	buf_drop(&b, 4);
	holds(&b, "and two");
	buf_drop(&b, 0);
	buf_cut(&b, 4);
	holds(&b, "and");
	assert_true(buf_add_text(&b, "!"));
	holds(&b, "and!");
	buf_drop(&b, 4);
	assert_null(b.room);
}

static void test_cleared_keeps_its_memory(void **state)
{
	struct buf b = {0};
	const struct buf_room *room;

	(void)state;
	assert_true(buf_add_text(&b, "one"));
	buf_drop(&b, 1);
	room = b.room;
	buf_clear(&b);
	holds(&b, "");
	assert_true(buf_add_text(&b, "two"));
	assert_ptr_equal(b.room, room);
	holds(&b, "two");
	buf_fini(&b);
}

/* First where it used to begin is room, then there is none. */
static void test_grows(void **state)
{
	char first[SOME], second[SOME];
	struct buf b = {0};
	size_t size;

	(void)state;
	memset(first, '1', sizeof first);
	memset(second, '2', sizeof second);
	assert_true(buf_add(&b, first, sizeof first));
	size = buf_size(&b);
	buf_drop(&b, SOME - 3);
	assert_true(buf_add(&b, second, sizeof second));
	assert_int_equal(buf_size(&b), size);
	assert_int_equal(buf_len(&b), 3 + SOME);
	assert_memory_equal(buf_at(&b), "1112", 4);
	buf_drop(&b, 1);
	assert_true(buf_add(&b, second, sizeof second));
	assert_true(buf_size(&b) > size);
	assert_int_equal(buf_len(&b), 2 + 2 * SOME);
	assert_memory_equal(buf_at(&b), "112", 3);
	assert_memory_equal(buf_at(&b) + 2 + SOME, second, SOME);
	buf_fini(&b);
}

static void test_reserved_is_filled_later(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_true(buf_reserve(&b, 5000));
	holds(&b, "");
	assert_true(buf_size(&b) >= 5000);
	memcpy(buf_end(&b), "here", 4);
	buf_added(&b, 4);
	holds(&b, "here");
	buf_fini(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_in_and_out),
	    cmocka_unit_test(test_cleared_keeps_its_memory),
	    cmocka_unit_test(test_grows),
	    cmocka_unit_test(test_reserved_is_filled_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
