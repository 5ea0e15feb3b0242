/* SPDX-License-Identifier: MIT */
/* The arena: series found again, shared over processes, shown or hidden as their owners live. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/shm.h"
#include "obs/metrics_arena.h"
#include "monitor/metrics_render.h"

static const double buckets[] = {0.1, 1, 10};
static const struct t3ops_metric total = {"t3_total", T3OPS_COUNTER, {"reason"}, NULL, 0, "Things."};
static const struct t3ops_metric level = {"t3_level", T3OPS_GAUGE, {0}, NULL, 0, "A level."};
static const struct t3ops_metric seconds = {"t3_seconds", T3OPS_HISTOGRAM, {"leg"}, buckets, 3, "Times."};

struct arena_view {
	struct metrics *m;
	int fd;
};

static int setup(void **state)
{
	struct arena_view *v = calloc(1, sizeof *v);

	v->m = metrics_new(&v->fd);
	*state = v;
	return v->m ? 0 : -1;
}

static int teardown(void **state)
{
	struct arena_view *v = *state;

	metrics_free(v->m);
	close(v->fd);
	free(v);
	return 0;
}

static char *rendered(struct metrics *m)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	metrics_render(m, out);
	fclose(out);
	return text;
}

static void shows(struct metrics *m, const char *part, bool expected)
{
	char *text = rendered(m);

	if ((strstr(text, part) != NULL) != expected)
		fail_msg("\"%s\" is %s in\n%s", part, expected ? "not" : "wrongly", text);
	free(text);
}

static struct series *of(struct metrics *m, const struct t3ops_metric *f, const char *value)
{
	return metrics_series(m, f, NULL, NULL, (const char *const[]){value});
}

static void test_counter(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;

	series_add(of(m, &total, "a"), 2);
	series_add(of(m, &total, "b"), 1);
	series_add(of(m, &total, "a"), 3);
	assert_ptr_equal(of(m, &total, "a"), of(m, &total, "a"));
	assert_true(series_value(of(m, &total, "a")) == 5);
	shows(
	    m,
	    "# HELP t3_total Things.\n# TYPE t3_total counter\nt3_total{reason=\"a\"} 5\nt3_total{reason=\"b\"} 1\n",
	    true);
}

static void test_gauge_and_lead(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;

	series_set(metrics_series(m, &level, NULL, NULL, NULL), -2.5);
	shows(m, "t3_level -2.5\n", true);
	series_set(metrics_series(m, &level, "plugin", "p", NULL), 1);
	shows(m, "t3_level{plugin=\"p\"} 1\n", true);
}

static void test_histogram(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;
	struct series *s = of(m, &seconds, "x");

	series_observe(s, 0.1); /* a bound is in its own bucket */
	series_observe(s, 5);
	series_observe(s, 100);
	assert_true(series_value(s) == 3);
	shows(m,
	      "t3_seconds_bucket{leg=\"x\",le=\"0.1\"} 1\nt3_seconds_bucket{leg=\"x\",le=\"1\"} 1\n"
	      "t3_seconds_bucket{leg=\"x\",le=\"10\"} 2\nt3_seconds_bucket{leg=\"x\",le=\"+Inf\"} 3\n"
	      "t3_seconds_sum{leg=\"x\"} 105.1\nt3_seconds_count{leg=\"x\"} 3\n",
	      true);
}

static void test_escapes(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;

	series_add(of(m, &total, "a\"b\\c\nd"), 1);
	shows(m, "t3_total{reason=\"a\\\"b\\\\c\\nd\"} 1\n", true);
	series_add(of(m, &total, ""), 1);
	shows(m, "t3_total 1\n", true);
}

static void test_sorted(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;
	char *text;

	series_add(of(m, &total, "a"), 1);
	series_set(metrics_series(m, &level, NULL, NULL, NULL), 1);
	text = rendered(m);
	assert_true(strstr(text, "t3_level ") < strstr(text, "t3_total{"));
	free(text);
}

/* A label that does not fit, or a name that stands for another type: counted, harmless, not shown. */
static void test_refused(void **state)
{
	static const struct t3ops_metric other_type = {"t3_total", T3OPS_GAUGE, {"reason"}, NULL, 0, "Things."};
	struct metrics *m = ((struct arena_view *)*state)->m;
	char huge[400];

	memset(huge, 'x', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	series_add(of(m, &total, huge), 1);
	series_observe(of(m, &seconds, huge), 1);
	series_add(of(m, &total, "a"), 1);
	series_set(of(m, &other_type, "b"), 7);
	shows(m, "xxxx", false);
	shows(m, "reason=\"b\"", false);
	shows(m, "t3ops_metrics_dropped_total 3\n", true);
}

/* A full arena gives series that nobody sees; those made before go on. */
static void test_full(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;
	struct series *first = of(m, &total, "0");

	for (int i = 0; i < METRICS_SERIES_MAX + 10; i++) {
		char name[16];

		snprintf(name, sizeof name, "%d", i);
		series_add(of(m, &total, name), 1);
	}
	assert_true(series_value(first) == 1);
	assert_ptr_equal(of(m, &total, "0"), first);
	shows(m, "t3_total{reason=\"65545\"}", false);
	shows(m, "t3ops_metrics_dropped_total 10\n", true);
	shows(m, "t3_total{reason=\"100\"} 1\n", true);
}

static void test_owner(void **state)
{
	struct metrics *m = ((struct arena_view *)*state)->m;
	uint32_t alive[] = {17, 18};
	struct series *s;

	metrics_alive(m, alive, 2);
	metrics_set_owner(m, 18);
	s = metrics_series(m, &level, NULL, NULL, NULL);
	series_set(s, 4);
	series_add(of(m, &total, "a"), 1);
	shows(m, "t3_level 4\n", true);
	metrics_alive(m, alive, 1); /* its process is gone: so is the gauge, not the counter */
	shows(m, "t3_level", false);
	shows(m, "t3_total{reason=\"a\"} 1\n", true);
	metrics_set_owner(m, 17);
	metrics_series(m, &level, NULL, NULL, NULL);
	shows(m, "t3_level 4\n", true);
	series_hide(s);
	shows(m, "t3_level", false);
	metrics_series(m, &level, NULL, NULL, NULL);
	shows(m, "t3_level 4\n", true);
}

/* What a process counted is there when the process is not. */
static void test_shared(void **state)
{
	struct arena_view *v = *state;
	struct metrics *again;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct metrics *mine = metrics_attach(v->fd);

		for (int i = 0; mine && i < 1000; i++)
			series_add(of(mine, &total, "process"), 1);
		_exit(mine ? 0 : 1);
	}
	for (int i = 0; i < 1000; i++)
		series_add(of(v->m, &total, "process"), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(series_value(of(v->m, &total, "process")) == 2000);
	again = metrics_attach(v->fd);
	assert_non_null(again);
	assert_true(series_value(of(again, &total, "process")) == 2000);
	metrics_free(again);
}

/* A series that two processes have is shown once. */
static void test_merged(void **state)
{
	struct arena_view *v = *state;
	struct metrics *a = metrics_open(v->fd, 1, false), *b = metrics_open(v->fd, 2, true);

	assert_non_null(a);
	assert_non_null(b);
	assert_null(metrics_memory(a));
	series_add(of(a, &total, "x"), 2);
	series_add(of(b, &total, "x"), 3);
	series_add(of(b, &total, "y"), 1);
	series_observe(of(a, &seconds, "x"), 0.5);
	series_observe(of(b, &seconds, "x"), 5);
	shows(b,
	      "# TYPE t3_total counter\nt3_total{reason=\"x\"} 5\nt3_total{reason=\"y\"} 1\n"
	      "# HELP t3ops_metrics_dropped_total",
	      true);
	shows(v->m,
	      "t3_seconds_bucket{leg=\"x\",le=\"1\"} 1\nt3_seconds_bucket{leg=\"x\",le=\"10\"} 2\n"
	      "t3_seconds_bucket{leg=\"x\",le=\"+Inf\"} 2\nt3_seconds_sum{leg=\"x\"} 5.5\n"
	      "t3_seconds_count{leg=\"x\"} 2\n",
	      true);
	metrics_free(a);
	metrics_free(b);
}

/* One process may write into its own arena what it likes: the page stays a page. */
static void test_lies(void **state)
{
	static const char *const forged[] = {
	    "x=\"1\"} 7\nforged{y=\"2\"", "forged",         "forged=1",        "forged=\"1\",",
	    "forged=\"1\" x=\"2\"",       "forged=\"1\\\"", "forged=\"a\nb\"", "forged=\"\xff\"",
	    "forged=\"1\"} 7 #",          "=\"forged\"",
	};
	struct arena_view *v = *state;
	struct metrics *m = metrics_open(v->fd, 3, false);
	struct arena *a = metrics_arena_map(v->fd, 3);
	unsigned seed = 1;
	char *text;

	assert_non_null(m);
	assert_non_null(a);
	series_add(of(v->m, &total, "honest"), 1);
	series_add(of(m, &total, "a"), 1);
	series_add(of(m, &total, "b"), 1);
	series_observe(of(m, &seconds, "c"), 1);
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		snprintf(a->series[0].labels, sizeof a->series[0].labels, "%s", forged[i]);
		shows(v->m, "forged", false);
	}
	memset(a->series[1].labels, 'z', sizeof a->series[1].labels); /* no end */
	shows(v->m, "zzz", false);
	a->series[1].family = 4000000000u;
	a->families[1].n_buckets = 4000000000u;
	shows(v->m, "t3_seconds", false);
	memset(a->families[0].help, '\n', sizeof a->families[0].help);
	memset(a->families[1].name, 'n', sizeof a->families[1].name);
	a->n_series = a->n_families = UINT32_MAX;
	shows(v->m, "t3_total{reason=\"honest\"} 1\n", true);
	for (size_t i = 0; i < sizeof *a - sizeof a->making; i += 97)
		((unsigned char *)a)[sizeof a->making + i] = (unsigned char)(seed = seed * 1103515245u + 12345u);
	text = rendered(v->m);
	assert_non_null(strstr(text, "t3_total{reason=\"honest\"} 1\n"));
	free(text);
	shm_free(a, sizeof *a);
	metrics_free(m);
}

/* Nobody can write what is another's. */
static void test_read_only(void **state)
{
	struct arena_view *v = *state;
	struct metrics *m = metrics_open(v->fd, 1, true);

	assert_non_null(m);
	assert_int_equal(mprotect((void *)(uintptr_t)metrics_memory(m), METRICS_PAGE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	metrics_free(m);
}

static void test_other_layout(void **state)
{
	int fd = ((struct arena_view *)*state)->fd, null;
	uint32_t wrong = 0;
	FILE *small = tmpfile();

	null = fileno(small);
	assert_null(metrics_attach(null));
	assert_int_equal(errno, EPROTO);
	fclose(small);
	assert_int_equal(pwrite(fd, &wrong, sizeof wrong, 0), sizeof wrong);
	assert_null(metrics_attach(fd));
	assert_int_equal(errno, EPROTO);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_counter),   TEST(test_gauge_and_lead), TEST(test_histogram), TEST(test_escapes),
	    TEST(test_sorted),    TEST(test_refused),        TEST(test_full),      TEST(test_owner),
	    TEST(test_shared),    TEST(test_other_layout),   TEST(test_merged),    TEST(test_lies),
	    TEST(test_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
