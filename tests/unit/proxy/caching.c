/* SPDX-License-Identifier: MIT */
/* What of a t3 server's word to caches is left, and which paths are everybody's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/http_parse.h"
#include "proxy/caching.h"

#define ALWAYS "cdn-cache-control: no-store\r\n"
#define VARY   "vary: Cookie\r\n"

static const struct {
	const char *fields, *added;
} rows[] = {
    {"", "cache-control: private\r\n" ALWAYS VARY},
    {"Cache-Control: public, max-age=60\r\n", "cache-control: private, max-age=60\r\n" ALWAYS VARY},
    {"cAcHe-CoNtRoL: PuBlIc,S-MaxAge=9 ,Max-Age=60\r\n", "cache-control: private, Max-Age=60\r\n" ALWAYS VARY},
    {"Cache-Control: public\r\nCache-Control: max-age=1\r\nCache-Control: s-maxage=9, immutable\r\n",
     "cache-control: private, max-age=1, immutable\r\n" ALWAYS VARY},
    {"Cache-Control: private\r\n", "cache-control: private\r\n" ALWAYS VARY},
    {"Cache-Control: private=\"X-A, public\", max-age=5\r\n", "cache-control: private, max-age=5\r\n" ALWAYS VARY},
    {"Cache-Control: no-cache=\"Set-Cookie, public\"\r\n",
     "cache-control: private, no-cache=\"Set-Cookie, public\"\r\n" ALWAYS VARY},
    {"Cache-Control: max-age=\"60\", s-maxage=\"9\"\r\n", "cache-control: private, max-age=\"60\"\r\n" ALWAYS VARY},
    {"Cache-Control: no-store\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: ,, public,,\r\n", "cache-control: private\r\n" ALWAYS VARY},
    {"Cache-Control:\r\n", "cache-control: private\r\n" ALWAYS VARY},
    {"Cache-Control: x=\"a\\\"\", public\r\n", "cache-control: private, x=\"a\\\"\"\r\n" ALWAYS VARY},
    /* not lists of directives: nobody keeps them */
    {"Cache-Control: max-age=60;public\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: x=\"open, public\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: x=\"open\\\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: public max-age=60\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: max-age=\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: max-age = 60\r\n", "cache-control: private, no-store\r\n" ALWAYS VARY},
    {"Cache-Control: \xff\xff\r\nCache-Control: max-age=1\r\n",
     "cache-control: private, max-age=1, no-store\r\n" ALWAYS VARY},
    {"Expires: Thu, 31 Dec 2099 00:00:00 GMT\r\n", "cache-control: private\r\n" ALWAYS "expires: 0\r\n" VARY},
    {"Vary: Accept-Encoding\r\n", "cache-control: private\r\n" ALWAYS VARY},
    {"Vary: Accept, cookie\r\n", "cache-control: private\r\n" ALWAYS},
    {"Vary: *\r\n", "cache-control: private\r\n" ALWAYS},
};

static void response_of(struct http_head *h, const char *fields)
{
	static char text[2048];
	int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n", fields);

	assert_true(n > 0 && (size_t)n < sizeof text);
	assert_int_equal(http_response_parse(h, text, (size_t)n), HTTP_SYNTAX_OK);
}

static void is_added(const struct http_head *h, enum caching caching, const char *expected)
{
	struct buf out = {0};

	assert_true(caching_add(h, caching, &out));
	assert_true(buf_add(&out, "", 1));
	assert_string_equal(buf_at(&out), expected);
	buf_fini(&out);
}

static void what_is_left_of_it(void **state)
{
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		response_of(&h, rows[i].fields);
		is_added(&h, CACHING_PRIVATE, rows[i].added);
	}
	response_of(&h, "Cache-Control: public\r\n");
	is_added(&h, CACHING_NONE, "cache-control: no-store\r\n" ALWAYS VARY);
	response_of(&h, "Cache-Control: public, s-maxage=9\r\n");
	h.n = 1;
	assert_int_equal(caching_of(&h, true, false), CACHING_AS_SENT);
}

static void whose_it_is(void **state)
{
	struct http_head h;

	(void)state;
	response_of(&h, "Cache-Control: public\r\n");
	assert_int_equal(caching_of(&h, false, false), CACHING_PRIVATE);
	assert_int_equal(caching_of(&h, false, true), CACHING_NONE);
	assert_int_equal(caching_of(&h, true, true), CACHING_NONE);
	assert_int_equal(caching_of(&h, true, false), CACHING_AS_SENT);
	response_of(&h, "Cache-Control: public\r\nSet-Cookie: a=b\r\n");
	assert_int_equal(caching_of(&h, true, false), CACHING_PRIVATE);
}

static void fields_that_steer(void **state)
{
	static const char *const steering[] = {"Cache-Control",
	                                       "EXPIRES",
	                                       "Surrogate-Control",
	                                       "X-Accel-Expires",
	                                       "Edge-Control",
	                                       "CDN-Cache-Control",
	                                       "Cloudflare-CDN-Cache-Control",
	                                       "netlify-cdn-cache-control"};
	static const char *const others[] = {"Vary",      "ETag", "Last-Modified", "X-Accel-Buffering",
	                                     "Cache-Tag", "Age"};

	(void)state;
	for (size_t i = 0; i < sizeof steering / sizeof steering[0]; i++)
		assert_true(caching_is_steering(span_of(steering[i])));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(caching_is_steering(span_of(others[i])));
}

static void paths_that_are_shared(void **state)
{
	static const char *items[] = {"/assets", "/favicon.ico"};
	const struct text_list list = {.items = (char **)items, .n = 2}, none = {0};
	static const struct {
		const char *path;
		bool shared;
	} paths[] = {{"/assets", true},
	             {"/assets/", true},
	             {"/assets/a-1.js", true},
	             {"/favicon.ico", true},
	             {"/assetss", false},
	             {"/Assets/a", false},
	             {"/assets/../api", false},
	             {"/assets/./a", false},
	             {"/assets//a", false},
	             {"/assets/%2e%2e/a", false},
	             {"/assets/..\\a", false},
	             {"/assets/a;x", false},
	             {"/api/assets", false},
	             {"/", false},
	             {"*", false},
	             {"", false},
	             {"//assets/a", false},
	             {"/assets/.hidden", false}};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		assert_int_equal(caching_path_is_shared(span_of(paths[i].path), &list), paths[i].shared);
		assert_false(caching_path_is_shared(span_of(paths[i].path), &none));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_left_of_it),
	    cmocka_unit_test(whose_it_is),
	    cmocka_unit_test(fields_that_steer),
	    cmocka_unit_test(paths_that_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
