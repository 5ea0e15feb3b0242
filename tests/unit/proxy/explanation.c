/* SPDX-License-Identifier: MIT */
/* What people read when their t3 server does not respond: one kind each, whatever the error. */
#include "proxy/explanation.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct user alice = {.name = "alice", .host = "::1", .port = 3773};

static void test_upstream(void **state)
{
	static const struct {
		int error;
		bool safe;
		int status;
		const char *title, *word;
	} rows[] = {
	    {-ETIMEDOUT, true, 503, "Your t3 server does not respond", "accepts connections"},
	    {-ETIMEDOUT, false, 504, "Your t3 server does not respond", "accepts connections"},
	    {-ECONNRESET, true, 502, "Your t3 server broke the connection", "before it responded"},
	    {-EPIPE, true, 502, "Your t3 server broke the connection", "before it responded"},
	    {-EPROTO, false, 502, "Your t3 server broke the connection", "before it responded"},
	    {-ECONNREFUSED, true, 503, "Your t3 server is not running", "Connection refused"},
	    {-EACCES, true, 503, "Your t3 server is out of reach", "write access"},
	    {-EKEYREJECTED, true, 503, "Something else answers for your t3 server", "another account"},
	    {-ENOKEY, true, 503, "Your t3 server cannot be recognised", "trusted_upstreams"},
	    {-EHOSTUNREACH, false, 503, "Your t3 server is not running", "No route to host"},
	    {-EKEYREJECTED, true, 503, "Something else answers for your t3 server", "a process of another account"},
	    {-ENOKEY, false, 503, "Your t3 server cannot be recognised", "was sent nothing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[EXPLANATION_TEXT_SIZE];
		struct explanation why = explain_upstream(&alice, rows[i].error, rows[i].safe, 42, text);

		assert_int_equal(why.status, rows[i].status);
		assert_string_equal(why.title, rows[i].title);
		assert_ptr_equal(why.text, text);
		assert_non_null(strstr(text, rows[i].word));
		assert_non_null(strstr(text, "The t3 server of alice (::1 port 3773) "));
		assert_int_equal(why.since_us, 42);
		assert_int_equal(why.retry_seconds, RETRY_SECONDS);
	}
}

/* Titles are compared as pointers: they tell which refusals are of one kind. */
static void test_titles_are_the_same_each_time(void **state)
{
	char one[EXPLANATION_TEXT_SIZE], two[EXPLANATION_TEXT_SIZE];

	(void)state;
	assert_ptr_equal(explain_upstream(&alice, -EPIPE, true, 0, one).title,
	                 explain_upstream(&alice, -EPROTO, true, 0, two).title);
	assert_ptr_equal(explain_plugin_timeout("a", one).title, explain_plugin_timeout("b", two).title);
	assert_ptr_equal(explain_origin(NULL, 0, one).title, explain_origin("x", 1, two).title);
}

static void test_long_names_are_cut(void **state)
{
	char text[EXPLANATION_TEXT_SIZE], origin[500];
	struct user user = {.port = 65535};

	(void)state;
	memset(user.name, 'n', sizeof user.name - 1);
	memset(user.host, 'h', sizeof user.host - 1);
	explain_upstream(&user, -ETIMEDOUT, true, 0, text);
	assert_non_null(strstr(text, "starting or stalled."));
	memset(user.socket, 's', sizeof user.socket - 1);
	explain_upstream(&user, -ENOKEY, true, 0, text);
	assert_non_null(strstr(text, "sss) was sent nothing"));
	assert_non_null(strstr(text, "trusted_upstreams."));
	memset(origin, 'o', sizeof origin);
	explain_origin(origin, sizeof origin, text);
	assert_non_null(strstr(text, "oooo) may not open"));
	assert_true(strlen(text) < EXPLANATION_TEXT_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_upstream),
	    cmocka_unit_test(test_titles_are_the_same_each_time),
	    cmocka_unit_test(test_long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
