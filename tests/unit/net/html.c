/* SPDX-License-Identifier: MIT */
/* Escaping for HTML, both ways of it. */
#include "net/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *text, *html;
} rows[] = {
    {"", ""},
    {"plain", "plain"},
    {"<b a=\"1\" c='2'> & </b>", "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt; &amp; &lt;/b&gt;"},
    {"&amp;", "&amp;amp;"},
    {"\xc3\xa4\t\n", "\xc3\xa4\t\n"},
};

static void test_add(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = {0};

		assert_true(html_add(&b, rows[i].text) && buf_add(&b, "", 1));
		assert_string_equal(buf_at(&b), rows[i].html);
		buf_fini(&b);
	}
}

static void test_print(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);

		html_print(f, rows[i].text);
		fclose(f);
		assert_string_equal(text, rows[i].html);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_add), cmocka_unit_test(test_print)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
