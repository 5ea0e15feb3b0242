/* SPDX-License-Identifier: MIT */
/* Every slot has its turn, and those that others need come first. */
#include "supervisor/process_slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_order(void **state)
{
	bool had[PROCESS_SLOTS] = {false};

	(void)state;
	for (unsigned i = 0; i < PROCESS_SLOT_ORDER; i++) {
		unsigned slot = process_slot_in_order(i);

		assert_true(slot < PROCESS_SLOTS);
		assert_false(had[slot]);
		had[slot] = true;
	}
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++)
		assert_int_equal(had[slot], slot != PROCESS_NONE && slot != PROCESS_SUPERVISOR);
	assert_int_equal(process_slot_in_order(0), PROCESS_HELPER);
	assert_int_equal(process_slot_in_order(1), PROCESS_MONITOR);
}

static void test_workers(void **state)
{
	(void)state;
	assert_int_equal(process_of_slot(PROCESS_JOBS), PROCESS_JOBS);
	assert_int_equal(process_slot_worker(PROCESS_PROXY), 0);
	for (unsigned worker = 1; worker < WORKERS_MAX; worker++) {
		assert_int_equal(process_of_slot(PROCESSES + worker - 1), PROCESS_PROXY);
		assert_int_equal(process_slot_worker(PROCESSES + worker - 1), worker);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_workers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
