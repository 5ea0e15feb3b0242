/* SPDX-License-Identifier: MIT */
/* Counts by name go up and down, and leave nothing behind. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "proxy/quota.h"

static bool is_empty(const struct quota *q)
{
	for (size_t i = 0; i < QUOTA_BUCKETS; i++)
		if (!LIST_EMPTY(&q->buckets[i]))
			return false;
	return true;
}

static void test_counts(void **state)
{
	struct quota q = {0};

	(void)state;
	assert_int_equal(quota_of(&q, "alice"), 0);
	assert_false(quota_is_used_up(&q, "alice", 1));
	assert_true(quota_take(&q, "alice"));
	assert_true(quota_take(&q, "alice"));
	assert_true(quota_take(&q, "bob"));
	assert_int_equal(quota_of(&q, "alice"), 2);
	assert_int_equal(quota_of(&q, "bob"), 1);
	assert_true(quota_is_used_up(&q, "alice", 2));
	assert_false(quota_is_used_up(&q, "alice", 3));
	assert_false(quota_is_used_up(&q, "alice", 0));
	quota_give(&q, "alice");
	assert_false(quota_is_used_up(&q, "alice", 2));
	quota_give(&q, "alice");
	quota_give(&q, "bob");
	assert_true(is_empty(&q));
	quota_fini(&q);
}

static void test_many(void **state)
{
	struct quota q = {0};
	char who[16];

	(void)state;
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(who, sizeof who, "10.0.%d.%d", i / 256, i % 256);
			assert_true(quota_take(&q, who));
			assert_int_equal(quota_of(&q, who), round + 1);
		}
	quota_fini(&q);
	assert_true(is_empty(&q));
}

static void test_network(void **state)
{
	static const char *const rows[][2] = {
	    {"127.0.0.1", "127.0.0.1"},
	    {"127.200.3.4", "127.0.0.1"},
	    {"128.0.0.1", "128.0.0.1"},
	    {"192.0.2.7", "192.0.2.7"},
	    {"12.127.0.1", "12.127.0.1"},
	    {"::1", "::"},
	    {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
	    {"2001:db8:1:2::9", "2001:db8:1:2::"},
	    {"2001:db8:1:3::9", "2001:db8:1:3::"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::"},
	    {"unknown", "unknown"},
	    {"", ""},
	};
	char out[QUOTA_NETWORK_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		quota_network(rows[i][0], out);
		assert_string_equal(out, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_many),
	                                   cmocka_unit_test(test_network)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
