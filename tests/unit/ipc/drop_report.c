/* SPDX-License-Identifier: MIT */
/* Dropped messages are counted at once, and logged now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/drop_report.h"

#define SECOND UINT64_C(1000000)

static struct metrics *metrics;
static int log_fd;

static int setup(void **state)
{
	char path[] = "/tmp/t3ops-drop.XXXXXX";

	(void)state;
	metrics = metrics_new();
	assert_non_null(metrics);
	log_fd = mkstemp(path);
	assert_true(log_fd >= 0);
	unlink(path);
	assert_int_equal(dup2(log_fd, STDERR_FILENO), STDERR_FILENO);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	metrics_free(metrics);
	close(log_fd);
	return 0;
}

/* The lines that were logged so far. */
static const char *logged(void)
{
	static char text[4096];
	ssize_t n = pread(log_fd, text, sizeof text - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static size_t lines(void)
{
	size_t n = 0;

	for (const char *p = logged(); (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static void test_report(void **state)
{
	struct drop_report r;

	(void)state;
	drop_report_init(&r, metrics, PROCESS_JOBS, DROP_FROM);
	drop_report_update(&r, 0, 100 * SECOND);
	assert_int_equal(lines(), 0);
	drop_report_update(&r, 3, 101 * SECOND);
	assert_non_null(strstr(logged(), "event=messages_dropped child=jobs direction=from dropped=3"));
	drop_report_update(&r, 4, 102 * SECOND);
	drop_report_update(&r, 9, 110 * SECOND);
	assert_int_equal(lines(), 1);
	assert_true(series_value(r.series) == 9);
	drop_report_update(&r, 9, 112 * SECOND);
	assert_int_equal(lines(), 2);
	assert_non_null(strstr(logged(), "dropped=6"));
	drop_report_update(&r, 9, 200 * SECOND);
	assert_int_equal(lines(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_report, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
