/* SPDX-License-Identifier: MIT */
/* What is written into URLs for an S3 store, and read of its answers. */
#include "backup/s3_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_escape(void **state)
{
	static const struct {
		const char *text;
		char keep;
		const char *escaped;
	} cases[] = {
	    {"", '\0', ""},      {"azAZ09-._~", '\0', "azAZ09-._~"},          {"a/b", '\0', "a%2Fb"},
	    {"a/b", '/', "a/b"}, {"a b+c&d=e%", '/', "a%20b%2Bc%26d%3De%25"}, {"\xc3\xa4\x01", '/', "%C3%A4%01"},
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(s3_escape(out, sizeof out, cases[i].text, cases[i].keep), 0);
		assert_string_equal(out, cases[i].escaped);
	}
	assert_int_equal(s3_escape(out, 8, "abcdefgh", '\0'), -ENAMETOOLONG);
	assert_int_equal(s3_escape(out, 6, "&&", '\0'), -ENAMETOOLONG);
}

static void test_element(void **state)
{
	static const struct {
		const char *xml, *name;
		bool is;
		const char *text, *rest;
	} cases[] = {
	    {"<Key>a/b</Key><Size>3</Size>", "Key", true, "a/b", "<Size>3</Size>"},
	    {"<Key>a/b</Key><Size>3</Size>", "Size", true, "3", ""},
	    {"<Key></Key>", "Key", true, "", ""},
	    {"<Key>a&amp;b &lt;&gt;&quot;&apos;&#34;&#39;</Key>", "Key", true, "a&b <>\"'\"'", ""},
	    {"<Key>&amp;amp;&unknown;&am</Key>p;", "Key", true, "&amp;&unknown;&am", "p;"},
	    {"<Key>cut off", "Key", false, NULL, "<Key>cut off"},
	    {"</Key><Key>", "Key", false, NULL, "</Key><Key>"},
	    {"<Keys>x</Keys>", "Key", false, NULL, "<Keys>x</Keys>"},
	    {"", "Key", false, NULL, ""},
	    {"<Key>0123456789012345678901234567890</Key>!", "Key", true, "0123456789012345678901234567890", "!"},
	    {"<Key>01234567890123456789012345678901</Key>!", "Key", false, NULL, "!"}, /* does not fit */
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *at = cases[i].xml;

		assert_int_equal(s3_element(&at, cases[i].name, out, sizeof out), cases[i].is);
		if (cases[i].is)
			assert_string_equal(out, cases[i].text);
		assert_string_equal(at, cases[i].rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_escape), cmocka_unit_test(test_element)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
