/* SPDX-License-Identifier: MIT */
/* Tokens of reports: whose they are, and how long. */
#include "proxy/report_tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DAY_US (REPORT_TOKEN_DAY_S * UINT64_C(1000000))
#define NOON   (20000 * DAY_US + DAY_US / 2)

static struct user rows[] = {{.name = "alice"}, {.name = "bob"}, {.name = "J\xc3\xb6rg"}};
static const struct user_list users = {.rows = rows, .n = 3};

static struct span span_make(const char *text)
{
	return (struct span){text, strlen(text)};
}

static void test_whose(void **state)
{
	struct report_tokens t = {.key = "a key of the installation"};
	char token[REPORT_TOKEN_SIZE];

	(void)state;
	for (size_t i = 0; i < users.n; i++) {
		report_token_make(&t, rows[i].name, NOON, token);
		assert_int_equal(strspn(token, "0123456789abcdef"), 32);
		assert_string_equal(report_token_user(&t, &users, span_make(token), NOON), rows[i].name);
		assert_string_equal(report_token_user(&t, &users, span_make(token), NOON + DAY_US), rows[i].name);
		assert_null(report_token_user(&t, &users, span_make(token), NOON + 2 * DAY_US));
		assert_null(report_token_user(&t, &users, span_make(token), NOON - DAY_US));
	}
	report_tokens_forget(&t);
}

static void test_nobodys(void **state)
{
	static const char *const tokens[] = {"", "alice", "00000000000000000000000000000000",
	                                     "0000000000000000000000000000000", "000000000000000000000000000000000"};
	struct report_tokens t = {.key = "a key"}, other = {.key = "another key"};
	char token[REPORT_TOKEN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
		assert_null(report_token_user(&t, &users, span_make(tokens[i]), NOON));
	report_token_make(&other, "alice", NOON, token);
	assert_null(report_token_user(&t, &users, span_make(token), NOON));
	report_token_make(&t, "carol", NOON, token); /* who is no user */
	assert_null(report_token_user(&t, &users, span_make(token), NOON));
	assert_null(report_token_user(&t, &(struct user_list){0}, span_make(token), NOON));
	report_tokens_forget(&t);
}

static void test_users_change(void **state)
{
	const struct user_list bob = {.rows = rows + 1, .n = 1};
	struct report_tokens t = {.key = "a key"};
	char token[REPORT_TOKEN_SIZE];

	(void)state;
	report_token_make(&t, "alice", NOON, token);
	assert_non_null(report_token_user(&t, &users, span_make(token), NOON));
	report_tokens_forget(&t);
	assert_null(report_token_user(&t, &bob, span_make(token), NOON));
	report_tokens_forget(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whose),
	    cmocka_unit_test(test_nobodys),
	    cmocka_unit_test(test_users_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
