/* SPDX-License-Identifier: MIT */
/* Log lines: one a fact, quoted so that no value can forge another pair or another line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "obs/log.h"

static void test_quote(void **state)
{
	static const struct {
		const char *value, *quoted;
	} cases[] = {
	    {"plain", "plain"},
	    {"10.0.0.1:80", "10.0.0.1:80"},
	    {"", "\"\""},
	    {"two words", "\"two words\""},
	    {"a=b", "\"a=b\""},
	    {"say \"hi\"", "\"say \\\"hi\\\"\""},
	    {"back\\slash", "\"back\\\\slash\""},
	    {"line\nbreak", "\"line\\nbreak\""},
	    {"\x01\x1b[31m\x7f", "\"\\x01\\x1b[31m\\x7f\""},
	    {"\r", "\"\\x0d\""},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[100];

		assert_int_equal(log_quote(out, sizeof out, cases[i].value), strlen(cases[i].quoted));
		assert_string_equal(out, cases[i].quoted);
	}
}

/* Whatever the room: the length that was needed, a NUL, and nothing beyond the end. */
static void test_quote_truncates(void **state)
{
	static const char value[] = "a \"b\"\n\x01 end";
	size_t needed = log_quote(NULL, 0, value);

	(void)state;
	assert_int_equal(needed, strlen("\"a \\\"b\\\"\\n\\x01 end\""));
	for (size_t size = 1; size <= needed + 2; size++) {
		char out[64];

		memset(out, '#', sizeof out);
		assert_int_equal(log_quote(out, size, value), needed);
		assert_true(strlen(out) < size);
		assert_int_equal(out[size], '#');
	}
}

static void test_level_parse(void **state)
{
	static const struct {
		const char *text;
		enum log_level level;
	} cases[] = {{"error", LOG_L_ERROR},
	             {"warning", LOG_L_WARNING},
	             {"notice", LOG_L_NOTICE},
	             {"info", LOG_L_INFO},
	             {"debug", LOG_L_DEBUG}};
	enum log_level level = LOG_L_ERROR;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(log_level_parse(cases[i].text, &level));
		assert_int_equal(level, cases[i].level);
	}
	assert_false(log_level_parse("INFO", &level));
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse("7", &level));
	assert_int_equal(level, LOG_L_DEBUG);
}

/* ---- whole lines, as they arrive on stderr ------------------------------------------------------ */

struct catcher {
	int memory, stderr_copy;
};

static struct catcher catch_begin(void)
{
	struct catcher c = {memfd_create("stderr", MFD_CLOEXEC), dup(STDERR_FILENO)};

	assert_true(c.memory >= 0 && c.stderr_copy >= 0);
	dup2(c.memory, STDERR_FILENO);
	return c;
}

/* Everything written since; stderr is back. */
static size_t catch_end(const struct catcher *c, char *out, size_t size)
{
	ssize_t n = pread(c->memory, out, size - 1, 0);

	dup2(c->stderr_copy, STDERR_FILENO);
	close(c->stderr_copy);
	close(c->memory);
	assert_true(n >= 0);
	out[n] = '\0';
	return (size_t)n;
}

static void test_line(void **state)
{
	char text[6000], *pairs;
	struct catcher c;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_open("prober", LOG_L_INFO);
	c = catch_begin();
	log_line(LOG_L_WARNING, "leg_down", "plugin=%s reason=%s", "probe_internal", "reset");
	log_line(LOG_L_DEBUG, "unseen", "a=1");
	log_line(LOG_L_INFO, "bare", "%s", "");
	catch_end(&c, text, sizeof text);
	assert_memory_equal(text, "time=2", 6);
	pairs = strchr(text, ' ');
	assert_non_null(pairs);
	assert_memory_equal(
	    pairs, " level=warning process=prober event=leg_down plugin=probe_internal reason=reset\n",
	    strlen(" level=warning process=prober event=leg_down plugin=probe_internal reason=reset\n"));
	assert_null(strstr(text, "unseen"));
	assert_non_null(strstr(text, "event=bare"));
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_line_in_journald(void **state)
{
	char text[1000];
	struct catcher c;

	(void)state;
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("proxy", LOG_L_INFO);
	c = catch_begin();
	log_line(LOG_L_ERROR, "oops", "a=1");
	catch_end(&c, text, sizeof text);
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(text, "<3>level=error process=proxy event=oops a=1\n");
}

/* A newline in a value that nobody quoted makes no second line; a huge one is cut. */
static void test_line_stays_one(void **state)
{
	char text[12000], huge[9000];
	struct catcher c;
	size_t n;

	(void)state;
	memset(huge, 'x', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	log_open("t3ops", LOG_L_INFO);
	c = catch_begin();
	log_line(LOG_L_INFO, "a", "text=%s", "one\ntime=0 level=info forged\r");
	log_line(LOG_L_INFO, "b", "text=%s", huge);
	n = catch_end(&c, text, sizeof text);
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + n - 1);
	assert_null(strchr(text, '\r'));
	assert_true(n < 4096 + 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quote),
	    cmocka_unit_test(test_quote_truncates),
	    cmocka_unit_test(test_level_parse),
	    cmocka_unit_test(test_line),
	    cmocka_unit_test(test_line_in_journald),
	    cmocka_unit_test(test_line_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
