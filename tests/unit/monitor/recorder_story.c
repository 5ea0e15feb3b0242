/* SPDX-License-Identifier: MIT */
/* The recorder's story: every line comes back as it was, for two minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/recorder_story.h"

#define S(n) ((uint64_t)(n)*1000000)
#define T0   S(5000)

static char *written(const struct recorder_story *s, uint64_t zero_us)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_true(recorder_story_write(s, zero_us, out));
	assert_int_equal(fclose(out), 0);
	return text;
}

static void add(struct recorder_story *s, uint64_t at_us, const char *line)
{
	recorder_story_add(s, at_us, line, strlen(line));
}

static void assert_written(const struct recorder_story *s, uint64_t zero_us, const char *expected)
{
	char *text = written(s, zero_us);

	assert_string_equal(text, expected);
	free(text);
}

static void test_lines_come_back(void **state)
{
	struct recorder_story s = {0};

	(void)state;
	recorder_story_init(&s);
	assert_written(&s, T0, "");
	add(&s, T0, "event kind=a user=alice\n");
	add(&s, T0 + 1, "event kind=a user=bob\n");
	add(&s, T0 + 1, "event kind=a user=bob\n");
	add(&s, T0 + 2, "tick\n");
	add(&s, T0 + 3, "");
	add(&s, T0 + S(1), "event kind=a user=bobby\n");
	assert_written(&s, T0 + S(2),
	               "story -2.000000 event kind=a user=alice\n"
	               "story -1.999999 event kind=a user=bob\n"
	               "story -1.999999 event kind=a user=bob\n"
	               "story -1.999998 tick\n"
	               "story -1.999997 "
	               "story -1.000000 event kind=a user=bobby\n");
	recorder_story_fini(&s);
}

static void test_two_minutes(void **state)
{
	struct recorder_story s = {0};

	(void)state;
	recorder_story_init(&s);
	add(&s, T0, "one\n");
	add(&s, T0 + S(100), "two\n");
	assert_written(&s, T0 + S(121), "story -21.000000 two\n");
	add(&s, T0 + S(7200), "an hour is more than one block counts\n");
	assert_written(&s, T0 + S(7200), "story +0.000000 an hour is more than one block counts\n");
	assert_int_equal(s.bytes, strlen("an hour is more than one block counts\n"));
	recorder_story_fini(&s);
}

/* A line that is longer than a block usually is, between others. */
static void test_long_line(void **state)
{
	size_t size = 100000;
	char *line = malloc(size + 1), *expected = NULL;
	struct recorder_story s = {0};

	(void)state;
	memset(line, 'x', size);
	line[size - 1] = '\n';
	line[size] = '\0';
	recorder_story_init(&s);
	add(&s, T0, "xxx\n");
	add(&s, T0, line);
	add(&s, T0, "xxxx\n");
	assert_true(asprintf(&expected, "story +0.000000 xxx\nstory +0.000000 %sstory +0.000000 xxxx\n", line) > 0);
	assert_written(&s, T0, expected);
	free(expected);
	free(line);
	recorder_story_fini(&s);
}

static void number(struct recorder_story *s, unsigned i)
{
	char line[200];

	snprintf(line, sizeof line, "event kind=tunnel_open process=proxy user=alice address=192.0.2.7 id=%u\n", i);
	add(s, T0 + i, line);
}

static void test_bound(void **state)
{
	struct recorder_story s = {0};
	char *text;
	unsigned first, n = 0;

	(void)state;
	recorder_story_init(&s);
	for (unsigned i = 0; i < 100000; i++)
		number(&s, i);
	assert_in_range(s.bytes, RECORDER_STORY_BYTES * 9 / 10, RECORDER_STORY_BYTES);
	text = written(&s, T0 + 100000);
	assert_int_equal(strncmp(text, "# story: more than 2 MiB", strlen("# story: more than 2 MiB")), 0);
	assert_int_equal(sscanf(strstr(text, "id="), "id=%u", &first), 1);
	for (const char *at = text; (at = strstr(at, "id=")); at++)
		n++;
	assert_int_equal(first + n, 100000); /* none is missing behind what was left out */
	free(text);
	recorder_story_fini(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_come_back),
	    cmocka_unit_test(test_two_minutes),
	    cmocka_unit_test(test_long_line),
	    cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
