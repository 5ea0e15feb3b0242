/* SPDX-License-Identifier: MIT */
/* Who may have what started. */
#include "helper/permissions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BIT(process) (1u << PROCESS_##process)

static void test_jobs(void **state)
{
	(void)state;
	for (unsigned p = 0; p <= PROCESSES; p++)
		assert_int_equal(job_refusal((enum process_id)p) == NULL, p == PROCESS_JOBS);
}

static const struct {
	enum process_id requester;
	bool by_job;
	uint32_t named_in; /* processes with a plugin that names the command */
	bool may;
} cases[] = {
    {PROCESS_PROXY, false, BIT(PROXY), true},   {PROCESS_PROXY, false, BIT(PROBER) | BIT(JOBS), false},
    {PROCESS_PROBER, false, BIT(PROBER), true}, {PROCESS_PROBER, false, BIT(PROXY), false},
    {PROCESS_JOBS, false, BIT(JOBS), true},     {PROCESS_JOBS, false, 0, false},
    {PROCESS_NONE, true, BIT(JOBS), true},      {PROCESS_NONE, true, BIT(PROXY), false},
    {PROCESS_MONITOR, false, ~0u, false},       {PROCESS_HELPER, false, ~0u, false},
    {PROCESS_SUPERVISOR, false, ~0u, false},    {PROCESS_NONE, false, ~0u, false},
    {(enum process_id)99, false, ~0u, false},
};

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct process_command command = {.name = "mint", .requesters = cases[i].named_in};

		assert_int_equal(command_refusal(cases[i].requester, cases[i].by_job, &command) == NULL,
		                 cases[i].may);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_jobs), cmocka_unit_test(test_commands)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
