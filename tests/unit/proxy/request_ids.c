/* SPDX-License-Identifier: MIT */
/* Ids of requests: found while they live, stale from then on. */
#include "proxy/request_ids.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_find_and_remove(void **state)
{
	struct request_ids ids = {0};
	int a, b;
	uint64_t x = request_ids_add(&ids, &a), y = request_ids_add(&ids, &b);

	(void)state;
	assert_true(x != 0 && y != 0 && x != y);
	assert_ptr_equal(request_ids_find(&ids, x), &a);
	assert_ptr_equal(request_ids_find(&ids, y), &b);
	request_ids_remove(&ids, x);
	assert_null(request_ids_find(&ids, x));
	assert_ptr_equal(request_ids_find(&ids, y), &b);
	request_ids_remove(&ids, x); /* a stale one changes nothing */
	assert_ptr_equal(request_ids_find(&ids, y), &b);
	request_ids_fini(&ids);
}

static void test_place_is_used_again_under_another_id(void **state)
{
	struct request_ids ids = {0};
	int a, b;
	uint64_t x = request_ids_add(&ids, &a), y;

	(void)state;
	request_ids_remove(&ids, x);
	y = request_ids_add(&ids, &b);
	assert_int_equal((uint32_t)x, (uint32_t)y);
	assert_true(x != y);
	assert_null(request_ids_find(&ids, x));
	assert_ptr_equal(request_ids_find(&ids, y), &b);
	request_ids_fini(&ids);
}

static void test_what_never_was_an_id(void **state)
{
	struct request_ids ids = {0};
	int a;
	uint64_t x;

	(void)state;
	assert_null(request_ids_find(&ids, 0));
	assert_null(request_ids_find(&ids, 1));
	request_ids_remove(&ids, 0);
	x = request_ids_add(&ids, &a);
	assert_null(request_ids_find(&ids, 0));
	assert_null(request_ids_find(&ids, x + 1));                   /* a place that is free */
	assert_null(request_ids_find(&ids, x + (UINT64_C(1) << 32))); /* a generation to come */
	assert_null(request_ids_find(&ids, UINT32_MAX));
	request_ids_fini(&ids);
}

static void test_grows_and_fills_gaps(void **state)
{
	static int requests[1000];
	static uint64_t id[1000];
	struct request_ids ids = {0};
	size_t size;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_true((id[i] = request_ids_add(&ids, &requests[i])) != 0);
	size = ids.n;
	for (size_t i = 0; i < 1000; i += 3)
		request_ids_remove(&ids, id[i]);
	for (size_t i = 0; i < 1000; i += 3)
		id[i] = request_ids_add(&ids, &requests[i]);
	assert_int_equal(ids.n, size);
	for (size_t i = 0; i < 1000; i++)
		assert_ptr_equal(request_ids_find(&ids, id[i]), &requests[i]);
	request_ids_fini(&ids);
	assert_null(request_ids_find(&ids, id[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find_and_remove),
	    cmocka_unit_test(test_place_is_used_again_under_another_id),
	    cmocka_unit_test(test_what_never_was_an_id),
	    cmocka_unit_test(test_grows_and_fills_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
