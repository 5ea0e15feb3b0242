/* SPDX-License-Identifier: MIT */
/* Who is let in to the status pages: tokens, cookies, and what only looks like them. */
#include "monitor/page_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_parse.h"

#define TOKEN "correct-horse-battery"
#define NOW   UINT64_C(1800000000)

static unsigned char digest[SECRET_DIGEST_BYTES], other[SECRET_DIGEST_BYTES];

static int setup(void **state)
{
	(void)state;
	secret_digest(TOKEN, strlen(TOKEN), digest);
	secret_digest("another-token-altogether", 24, other);
	return 0;
}

static bool shown_to(const unsigned char *key, const char *fields, uint64_t now)
{
	char bytes[2048];
	struct http_head h;
	int n = snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	assert_int_equal(http_request_parse(&h, bytes, (size_t)n), HTTP_SYNTAX_OK);
	return page_token_is_shown(&h, key, now);
}

static void bearers(void **state)
{
	static const struct {
		const char *fields;
		bool ok;
	} rows[] = {
	    {"", false},
	    {"Authorization: Bearer " TOKEN "\r\n", true},
	    {"authorization: bearer " TOKEN "\r\n", true},
	    {"Authorization: Bearer " TOKEN "x\r\n", false},
	    {"Authorization: Bearer \r\n", false},
	    {"Authorization: Bearer\r\n", false},
	    {"Authorization: Basic " TOKEN "\r\n", false},
	    {"Authorization: " TOKEN "\r\n", false},
	    {"Authorization: Bearer " TOKEN "\r\nAuthorization: Bearer " TOKEN "\r\n", false},
	    {"X-Authorization: Bearer " TOKEN "\r\n", false},
	    {"Cookie: " PAGE_COOKIE "=" TOKEN "\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (shown_to(digest, rows[i].fields, NOW) != rows[i].ok)
			fail_msg("%s: expected %d", rows[i].fields, rows[i].ok);
	assert_false(shown_to(other, "Authorization: Bearer " TOKEN "\r\n", NOW));
}

static void cookies(void **state)
{
	char value[PAGE_COOKIE_SIZE], later[PAGE_COOKIE_SIZE], fields[600];
	const uint64_t lasts = PAGE_COOKIE_DAYS * UINT64_C(86400);

	(void)state;
	page_cookie_make(digest, NOW, value);
	page_cookie_make(digest, NOW + 1, later);
	assert_int_equal(strlen(value), PAGE_COOKIE_SIZE - 1);
	assert_string_not_equal(value, later);
	snprintf(fields, sizeof fields, "Cookie: a=b; " PAGE_COOKIE "=%s; c\r\n", value);
	assert_true(shown_to(digest, fields, NOW));
	assert_true(shown_to(digest, fields, NOW + lasts - 1));
	assert_false(shown_to(digest, fields, NOW + lasts));
	assert_false(shown_to(digest, fields, NOW - 2 * 86400)); /* of a clock that was wrong */
	assert_false(shown_to(other, fields, NOW));              /* another token since */
	snprintf(fields, sizeof fields, "Cookie: " PAGE_COOKIE "=%s; " PAGE_COOKIE "=%s\r\n", value, value);
	assert_false(shown_to(digest, fields, NOW));
	snprintf(fields, sizeof fields, "Cookie: x" PAGE_COOKIE "=%s\r\n", value);
	assert_false(shown_to(digest, fields, NOW));
	for (size_t i = 0; i < PAGE_COOKIE_SIZE - 1; i++) { /* no other text is as good */
		char changed[PAGE_COOKIE_SIZE];

		memcpy(changed, value, sizeof changed);
		changed[i] = changed[i] == '0' ? '1' : '0';
		snprintf(fields, sizeof fields, "Cookie: " PAGE_COOKIE "=%s\r\n", changed);
		assert_false(shown_to(digest, fields, NOW));
	}
	snprintf(fields, sizeof fields, "Cookie: " PAGE_COOKIE "=%.17s%s\r\n", later, value + 17);
	assert_false(shown_to(digest, fields, NOW));
}

static void forms(void **state)
{
	static const struct {
		const char *body;
		bool ok;
	} rows[] = {
	    {"token=" TOKEN, true},
	    {"token=%63orrect%2dhorse-battery", true},
	    {"token=" TOKEN "+", false},
	    {"token=" TOKEN "%", false},
	    {"token=" TOKEN "%0", false},
	    {"token=" TOKEN "%zz", false},
	    {"token=" TOKEN "&token=" TOKEN, false},
	    {"token=", false},
	    {"TOKEN=" TOKEN, false},
	    {TOKEN, false},
	    {"", false},
	};
	char much[3000] = "token=";

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (page_token_form_ok(rows[i].body, strlen(rows[i].body), digest) != rows[i].ok)
			fail_msg("%s: expected %d", rows[i].body, rows[i].ok);
	memset(much + 6, 'x', sizeof much - 6);
	assert_false(page_token_form_ok(much, sizeof much, digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bearers), cmocka_unit_test(cookies),
	                                   cmocka_unit_test(forms)};

	return cmocka_run_group_tests(tests, setup, NULL);
}
