/* SPDX-License-Identifier: MIT */
/* Where redirects lead. */
#include "probe_sso/redirect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_resolve(void **state)
{
	static const struct {
		const char *base, *location, *want; /* NULL: nowhere */
	} rows[] = {
	    {"https://t3.example.com/", "https://auth.example.com/login?next=/",
	     "https://auth.example.com/login?next=/"},
	    {"https://t3.example.com/a/b?c", "/login", "https://t3.example.com/login"},
	    {"https://t3.example.com/a/b?c", "login", "https://t3.example.com/a/login"},
	    {"https://t3.example.com/a/b?c=/d/", "login", "https://t3.example.com/a/login"},
	    {"https://t3.example.com/a/b?c", "?d", "https://t3.example.com/a/b?d"},
	    {"https://t3.example.com", "login", "https://t3.example.com/login"},
	    {"https://t3.example.com", "/login", "https://t3.example.com/login"},
	    {"https://t3.example.com", "?d", "https://t3.example.com/?d"},
	    {"http://t3.example.com:81/x", "//auth:82/y#z", "http://auth:82/y"},
	    {"https://t3.example.com/a", "b?c:d", "https://t3.example.com/b?c:d"},
	    {"https://t3.example.com/", "HTTPS://Auth/", "HTTPS://Auth/"},
	    {"https://t3.example.com/", "javascript:alert(1)", NULL},
	    {"https://t3.example.com/", "ftp://auth/", NULL},
	    {"https://t3.example.com/", "https:///x", NULL},
	    {"https://t3.example.com/", "", NULL},
	    {"https://t3.example.com/", "#z", NULL},
	    {"https://t3.example.com/", "/a b", NULL},
	    {"t3.example.com", "/", NULL},
	};
	char out[URL_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool ok = redirect_resolve(rows[i].base, rows[i].location, out);

		if (ok != (rows[i].want != NULL) || (ok && strcmp(out, rows[i].want) != 0))
			fail_msg("%s in %s: %s", rows[i].location, rows[i].base, ok ? out : "nowhere");
	}
}

static void test_too_long(void **state)
{
	char location[URL_SIZE + 1], out[URL_SIZE];

	(void)state;
	memset(location, 'a', URL_SIZE);
	location[URL_SIZE] = '\0';
	assert_false(redirect_resolve("https://t3.example.com/", location, out));
}

static void test_fits(void **state)
{
	static const struct {
		const char *url, *pattern;
		bool fits;
	} rows[] = {
	    {"https://auth.example.com/a/b?c", "https://auth.example.com/*", true},
	    {"https://auth.example.com.evil/", "https://auth.example.com/*", false},
	    {"https://auth.example.com/", "", true},
	    {"https://auth.example.com/", "https://auth.example.com/", true},
	    {"https://auth.example.com/x", "https://auth.example.com/", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (redirect_fits(rows[i].url, rows[i].pattern) != rows[i].fits)
			fail_msg("%s, %s", rows[i].url, rows[i].pattern);
}

static void test_parts(void **state)
{
	char out[32];

	(void)state;
	assert_true(url_same_site("https://a.b/c", "https://A.b?d"));
	assert_false(url_same_site("https://a.b/c", "http://a.b/c"));
	assert_false(url_same_site("https://a.b:1/c", "https://a.b/c"));
	assert_false(url_same_site("nothing", "nothing"));
	url_without_query("https://a.b/c?token=secret", out, sizeof out);
	assert_string_equal(out, "https://a.b/c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_resolve), cmocka_unit_test(test_too_long),
	                                   cmocka_unit_test(test_fits), cmocka_unit_test(test_parts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
