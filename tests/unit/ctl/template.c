/* SPDX-License-Identifier: MIT */
/* Templates: what is filled in, what is left out, what is refused and where. */
#include "ctl/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static json_t *values(void)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:[{s:s}, {s:s}]}", "HOST", "h@x", "EMPTY", "", "on", 1, "off", 0,
	                 "LIST", "HOST", "a", "HOST", "b");
}

static void render(void **state)
{
	static const struct {
		const char *text, *result;
	} rows[] = {
	    {"", ""},
	    {"a @HOST@ b@HOST@\n", "a h@x bh@x\n"},
	    {"no newline @HOST@", "no newline h@x"},
	    {"me@@HOST@, me@host, @, @@\n", "me@h@x, me@host, @, @@\n"},
	    {"%% remark @NONE@\nx\n", "x\n"},
	    {"%if on\na\n%end\nb\n", "a\nb\n"},
	    {"%if off\n@NONE@\n%else\nb\n%end\n", "b\n"},
	    {"%if off EMPTY on\na\n%else\nb\n%end\n", "a\n"},
	    {"%if !off\na\n%end\n%if !on\nb\n%end\n", "a\n"},
	    {"%if unknown\na\n%end\n", ""},
	    {"%if on\n%if off\na\n%else\nb\n%end\n%else\nc\n%end\n", "b\n"},
	    {"%if off\n%if on\na\n%end\n%for LIST\nb\n%end\n%end\nc\n", "c\n"},
	    {"%for LIST\n<@HOST@>\n%end\n@HOST@\n", "<a>\n<b>\nh@x\n"},
	    {"%for LIST\n%if off\na\n%else\n@HOST@\n%end\n%end\n", "a\nb\n"},
	    {"%for NONE\na\n%end\n", ""},
	    {"%iffy 100%\n", "%iffy 100%\n"},
	};
	unsigned line;
	const char *what;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *v = values();
		char *result = template_render(rows[i].text, v, &line, &what);

		assert_non_null(result);
		assert_string_equal(result, rows[i].result);
		free(result);
		json_decref(v);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
	    {"a\nb @NONE@\n", 2},
	    {"a\n@on@ @LIST@\n", 2}, /* no texts */
	    {"a\n%if on\nb\n", 2},
	    {"a\n%for LIST\nb\n", 2},
	    {"a\n%end\n", 2},
	    {"%if on\n%else\n%else\n%end\n", 1},
	    {"%if on\n%if on\n%if on\n%if on\n%if on\n%if on\n%if on\n%if on\n%if on\n", 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *v = values();
		unsigned line = 0;
		const char *what = NULL;

		assert_null(template_render(rows[i].text, v, &line, &what));
		assert_int_equal(line, rows[i].line);
		assert_non_null(what);
		json_decref(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(render), cmocka_unit_test(refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
