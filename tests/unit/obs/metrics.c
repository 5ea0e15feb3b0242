/* SPDX-License-Identifier: MIT */
/* The arena: series found again, shared over processes, shown or hidden as their owners live. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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

#include "obs/metrics_arena.h"
#include "../metrics_text.h"

static const double buckets[] = {0.1, 1, 10};
static const struct t3ops_metric total = {"t3_total", T3OPS_COUNTER, {"reason"}, NULL, 0, "Things."};
static const struct t3ops_metric level = {"t3_level", T3OPS_GAUGE, {0}, NULL, 0, "A level."};
static const struct t3ops_metric seconds = {"t3_seconds", T3OPS_HISTOGRAM, {"leg"}, buckets, 3, "Times."};

#define READER 4                                                  /* an arena */
#define WILD   (offsetof(struct arena, heap) + ((size_t)1 << 20)) /* what one that went wild writes */

static int setup(void **state)
{
	struct metrics *m = metrics_new();

	*state = m;
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	metrics_free(*state);
	return 0;
}

static char *rendered(struct metrics *m)
{
	struct metrics *reader = metrics_open(m, READER, true);
	size_t len;
	char *text;

	assert_non_null(reader);
	text = metrics_text(reader, &len);
	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	metrics_free(reader);
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

/* What a hostile process has of its arena: the mapping, found without the descriptor. */
static struct arena *mapping_of(struct metrics *own)
{
	static const struct t3ops_metric mine = {"t3_first_total", T3OPS_COUNTER, {0}, NULL, 0, "The first."};
	char *at = (char *)metrics_series(own, &mine, NULL, NULL, NULL);

	return (void *)(at - METRICS_UNIT - offsetof(struct arena, heap));
}

static void test_counter(void **state)
{
	struct metrics *m = *state;

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
	struct metrics *m = *state;

	series_set(metrics_series(m, &level, NULL, NULL, NULL), -2.5);
	shows(m, "t3_level -2.5\n", true);
	series_set(metrics_series(m, &level, "plugin", "p", NULL), 1);
	shows(m, "t3_level{plugin=\"p\"} 1\n", true);
}

static void test_histogram(void **state)
{
	struct metrics *m = *state;
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
	struct metrics *m = *state;

	series_add(of(m, &total, "a\"b\\c\nd"), 1);
	shows(m, "t3_total{reason=\"a\\\"b\\\\c\\nd\"} 1\n", true);
	series_add(of(m, &total, ""), 1);
	shows(m, "t3_total 1\n", true);
}

static void test_sorted(void **state)
{
	struct metrics *m = *state;
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
	struct metrics *m = *state;
	char huge[1000];

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

/* As many as there is memory for: with counts, none is missing and none is there twice. */
static void test_many(void **state)
{
	enum { MANY = 200000 };
	struct metrics *m = *state, *reader;
	size_t len, n = 0;
	char name[16], *text;

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "%d", i);
		series_add(of(m, &total, name), 1);
	}
	for (int i = 0; i < MANY; i += 1000) {
		snprintf(name, sizeof name, "%d", i);
		assert_true(series_value(of(m, &total, name)) == 1);
	}
	reader = metrics_open(m, READER, true);
	text = metrics_text(reader, &len);
	/* Not by strstr, in which a sanitizer looks for the end of the text each time. */
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		n += strncmp(at, "\nt3_total{reason=", strlen("\nt3_total{reason=")) == 0;
	assert_int_equal(n, MANY);
	assert_non_null(strstr(text, "\nt3ops_metrics_dropped_total 0\n"));
	free(text);
	metrics_free(reader);
}

/* No step does more the more series there are. */
static void test_steps(void **state)
{
	struct metrics *m = *state, *reader = metrics_open(m, READER, true);
	struct metrics_rendering *r;
	size_t steps = 0, len;
	char name[16];

	for (int i = 0; i < 50000; i++) {
		snprintf(name, sizeof name, "%d", i);
		series_add(of(m, &total, name), 1);
	}
	r = metrics_render_begin(reader, NULL, "");
	while (!metrics_render_step(r))
		steps++;
	assert_true(steps > 2 * 50000 / 1100);
	assert_non_null(metrics_render_text(r, &len));
	metrics_render_end(r);
	metrics_free(reader);
}

/* What is above the heap's end: of single users nothing more finds room, of all others much does.  Those made before
 * go on. */
static void test_full(void **state)
{
	static const struct t3ops_metric of_user = {"t3_user_total", T3OPS_COUNTER, {"user"}, NULL, 0, "Things."};
	struct metrics *m = *state;
	struct arena *a = mapping_of(m);
	struct series *first = of(m, &of_user, "first");

	series_add(first, 1);
	a->used = METRICS_LAST_UNIT - METRICS_RESERVED_UNITS - 10;
	series_add(of(m, &of_user, "second"), 1);
	series_add(of(m, &of_user, "third"), 1);
	series_add(of(m, &total, "of all"), 1);
	assert_ptr_equal(of(m, &of_user, "first"), first);
	shows(m, "t3_user_total{user=\"second\"} 1\n", true);
	shows(m, "third", false);
	shows(m, "t3_total{reason=\"of all\"} 1\n", true);
	shows(m, "t3ops_metrics_dropped_total 1\n", true);
	a->used = METRICS_LAST_UNIT;
	series_add(of(m, &total, "too late"), 1);
	shows(m, "too late", false);
	shows(m, "t3ops_metrics_dropped_total 2\n", true);
}

static void test_owner(void **state)
{
	struct metrics *m = *state;
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

/* Old proxies that drain, beside those that serve. */
static void test_many_owners(void **state)
{
	struct metrics *m = *state;
	uint32_t alive[16 + 64 * 16];
	size_t n = sizeof alive / sizeof alive[0];

	for (size_t i = 0; i < n; i++)
		alive[i] = (uint32_t)(i + 16);
	metrics_alive(m, alive, n);
	metrics_set_owner(m, alive[n - 1]);
	series_set(metrics_series(m, &level, NULL, NULL, NULL), 4);
	shows(m, "t3_level 4\n", true);
	metrics_alive(m, alive, n - 1);
	shows(m, "t3_level", false);
}

/* The next binary gets copies of the descriptors, as over an exec. */
static struct metrics *attach_copies(const struct metrics *m)
{
	int fds[METRICS_FDS];

	for (size_t i = 0; i < METRICS_FDS; i++)
		fds[i] = dup(metrics_fds(m)[i]);
	return metrics_attach(fds);
}

/* What a process counted is there when the process is not. */
static void test_shared(void **state)
{
	struct metrics *m = *state, *again;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct metrics *mine = attach_copies(m);

		for (int i = 0; mine && i < 1000; i++)
			series_add(of(mine, &total, "process"), 1);
		_exit(mine ? 0 : 1);
	}
	for (int i = 0; i < 1000; i++)
		series_add(of(m, &total, "process"), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(series_value(of(m, &total, "process")) == 2000);
	again = attach_copies(m);
	assert_non_null(again);
	assert_true(series_value(of(again, &total, "process")) == 2000);
	metrics_free(again);
}

/* Processes of the same kind make the same series at once: none waits for another, and nothing is counted twice or
 * lost. */
static void test_made_at_once(void **state)
{
	enum { WRITERS = 4, SERIES = 2000 };
	struct metrics *m = *state;
	char part[64];

	for (int w = 0; w < WRITERS; w++) {
		if (fork() == 0) {
			struct metrics *mine = metrics_open(m, 1, false);

			for (int i = 0; i < SERIES; i++) {
				snprintf(part, sizeof part, "%d", i);
				series_add(of(mine, &total, part), 1);
			}
			_exit(0);
		}
	}
	for (int w = 0, status; w < WRITERS; w++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < SERIES; i += 37) {
		snprintf(part, sizeof part, "t3_total{reason=\"%d\"} %d\n", i, WRITERS);
		shows(m, part, true);
	}
}

/* A series that two processes have is shown once. */
static void test_merged(void **state)
{
	struct metrics *m = *state, *a = metrics_open(m, 1, false), *b = metrics_open(m, 2, true);

	assert_non_null(a);
	assert_non_null(b);
	assert_null(metrics_memory(a));
	series_add(of(a, &total, "x"), 2);
	series_add(of(b, &total, "x"), 3);
	series_add(of(b, &total, "y"), 1);
	series_observe(of(a, &seconds, "x"), 0.5);
	series_observe(of(b, &seconds, "x"), 5);
	shows(m,
	      "# TYPE t3_total counter\nt3_total{reason=\"x\"} 5\nt3_total{reason=\"y\"} 1\n"
	      "# HELP t3ops_metrics_dropped_total",
	      true);
	shows(m,
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
	struct metrics *supervisors = *state, *m = metrics_open(supervisors, 3, false);
	struct arena *a;
	struct series *lie, *c;
	unsigned seed = 1;
	char *text;

	assert_non_null(m);
	a = mapping_of(m);
	series_add(of(supervisors, &total, "honest"), 1);
	lie = of(m, &total, "a label that is long enough for all of them");
	c = of(m, &seconds, "c");
	series_observe(c, 1);
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		strcpy((char *)(uintptr_t)series_labels(lie), forged[i]);
		shows(supervisors, "forged", false);
	}
	memset((char *)(uintptr_t)series_labels(lie), 'z', 2 * METRICS_LABELS_MAX); /* no end, over others */
	shows(supervisors, "zzz", false);
	lie->next = 0; /* a circle, and far beyond the end */
	lie->next = 1;
	shows(supervisors, "t3_total{reason=\"honest\"} 1\n", true);
	lie->next = UINT32_MAX;
	shows(supervisors, "t3_total{reason=\"honest\"} 1\n", true);
	a->first = UINT32_MAX;
	shows(supervisors, "t3_total{reason=\"honest\"} 1\n", true);
	a->first = 1;
	a->families[1].n_buckets = 4000000000u;
	memset(a->families[0].help, '\n', sizeof a->families[0].help);
	memset(a->families[1].name, 'n', sizeof a->families[1].name);
	a->n_families = UINT32_MAX;
	shows(supervisors, "t3_total{reason=\"honest\"} 1\n", true);
	a->first = METRICS_LAST_UNIT;
	memset((void *)&a->heap[METRICS_LAST_UNIT], 0xff, METRICS_SERIES_BYTES_MAX);
	shows(supervisors, "t3_total{reason=\"honest\"} 1\n", true);
	for (size_t i = 0; i < WILD; i += 97)
		((unsigned char *)a)[i] = (unsigned char)(seed = seed * 1103515245u + 12345u);
	a->first = 1;
	text = rendered(supervisors);
	assert_non_null(strstr(text, "t3_total{reason=\"honest\"} 1\n"));
	free(text);
	metrics_free(m);
}

/* What a process that went wild leaves in its arena, its successor survives. */
static void test_after_a_wild_one(void **state)
{
	struct metrics *m = metrics_open(*state, 1, false);
	struct series *s;

	assert_non_null(m);
	memset(mapping_of(m), 0xa5, WILD);
	metrics_free(m);
	m = metrics_open(*state, 1, false);
	assert_non_null(m);
	series_add(of(m, &total, "later"), 1);
	s = of(m, &seconds, "later");
	series_observe(s, 1);
	memset(s, 0xa5, sizeof *s);
	series_observe(s, 1); /* more buckets than there are */
	assert_true(series_value(s) != 0);
	metrics_free(m);
}

/* It says that a series is far behind all room that was taken: what is next is behind that one at once, not after all
 * room before it was filled. */
static void test_after_a_wild_link(void **state)
{
	struct metrics *m = metrics_open(*state, 1, false);
	struct arena *a = mapping_of(m);
	struct series *last = (void *)&a->heap[a->first];
	uint32_t far = METRICS_LAST_UNIT / 2;

	last->next = far;
	series_add(of(m, &total, "later"), 1);
	assert_in_range(a->used, far + 1, far + 1000);
	assert_int_equal(atomic_load(&a->dropped), 0);
	metrics_free(m);
}

/* Whatever the kernel lets a process do with a mapping that is its own, no other arena comes within its reach. */
static void test_no_way_to_others(void **state)
{
	size_t len = sizeof(struct arena), page = (size_t)sysconf(_SC_PAGESIZE);
	int status;
	pid_t pid;

	shows(*state, "t3_total{reason=\"honest\"}", false);
	for (unsigned i = 2; i < METRICS_ARENAS; i++) {
		struct metrics *m = metrics_open(*state, i, false);

		series_add(of(m, &total, "honest"), 1);
		metrics_free(m);
	}
	pid = fork();
	if (pid == 0) {
		struct metrics *m = metrics_open(*state, 1, false);
		char *arena = (char *)mapping_of(m), *grown;

		len = (len + page - 1) / page * page;
		signal(SIGBUS, SIG_DFL); /* a sanitizer would report it */
		metrics_free(*state);    /* with the descriptors */
		grown = mremap(arena, len, 3 * len, MREMAP_MAYMOVE);
		if (grown != MAP_FAILED)
			memset(grown + len, 0xa5, 2 * len); /* beyond the end: SIGBUS */
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || status == 0);
	pid = fork();
	if (pid == 0) {
		struct metrics *m = metrics_open(*state, 1, false);
		char *arena = (char *)mapping_of(m);

		signal(SIGBUS, SIG_DFL);
		metrics_free(*state);
		for (size_t at = len / page + 1; at < METRICS_ARENAS * (len / page); at += len / page)
			if (remap_file_pages(arena, page, 0, at, 0) == 0)
				memset(arena, 0xa5, page);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	shows(*state, "t3_total{reason=\"honest\"} 4\n", true);
}

/* A process that has a descriptor after all cannot make the others' mappings fault. */
static void test_size_is_sealed(void **state)
{
	for (size_t i = 0; i < METRICS_FDS; i++) {
		int fd = metrics_fds(*state)[i];

		assert_int_equal(ftruncate(fd, 0), -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(ftruncate(fd, (off_t)sizeof(struct arena) + (1 << 30)), -1);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	}
	series_add(of(*state, &total, "a"), 1);
	shows(*state, "t3_total{reason=\"a\"} 1\n", true);
}

/* Nobody can write what is another's. */
static void test_read_only(void **state)
{
	struct metrics *m = metrics_open(*state, READER, true);

	assert_non_null(m);
	for (size_t i = 0; i < METRICS_ARENAS; i++) {
		assert_int_equal(mprotect((void *)(uintptr_t)metrics_memory(m)->arenas[i], sizeof(struct arena),
		                          PROT_READ | PROT_WRITE),
		                 -1);
		assert_int_equal(errno, EACCES);
	}
	assert_null(metrics_memory(*state)); /* the supervisor does not even look */
	metrics_free(m);
}

/* Of another layout, or of an earlier binary that did not seal them. */
static void test_other_layout(void **state)
{
	uint32_t wrong = 0;
	int fds[METRICS_FDS];

	for (size_t i = 0; i < METRICS_FDS; i++)
		fds[i] = dup(metrics_fds(*state)[i]);
	close(fds[1]);
	fds[1] = memfd_create("unsealed", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fds[1], sizeof(struct arena)), 0);
	assert_null(metrics_attach(fds));
	assert_int_equal(errno, EPROTO);
	memset(fds, 0xff, sizeof fds);
	assert_null(metrics_attach(fds));
	assert_int_equal(errno, EPROTO);
	assert_int_equal(pwrite(metrics_fds(*state)[METRICS_ARENAS], &wrong, sizeof wrong, 0), sizeof wrong);
	assert_null(attach_copies(*state));
	assert_int_equal(errno, EPROTO);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_counter),
	    TEST(test_gauge_and_lead),
	    TEST(test_histogram),
	    TEST(test_escapes),
	    TEST(test_sorted),
	    TEST(test_refused),
	    TEST(test_full),
	    TEST(test_many),
	    TEST(test_steps),
	    TEST(test_owner),
	    TEST(test_many_owners),
	    TEST(test_shared),
	    TEST(test_other_layout),
	    TEST(test_merged),
	    TEST(test_lies),
	    TEST(test_read_only),
	    TEST(test_made_at_once),
	    TEST(test_after_a_wild_one),
	    TEST(test_after_a_wild_link),
	    TEST(test_no_way_to_others),
	    TEST(test_size_is_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
