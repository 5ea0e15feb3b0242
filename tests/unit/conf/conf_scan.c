/* SPDX-License-Identifier: MIT */
/* What the scan finds, and at which line it reports an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf_scan.h"
#include "options/suggest.h"

/* found: a word for each section, "kind:title@line" or with "=module"; then "option@line" in order. */
struct scan_case {
	const char *text;
	const char *found;
	const char *config_errors; /* "line:part of it" separated by |, "" for none */
};

static const struct scan_case cases[] = {
    {"", "", ""},
    {"a = 1", "a@1 ", ""},
    {"a = 1 b = 2\nc = \"x\"", "a@1 b@1 c@2 ", ""},
    {"# one\n// two\n/* three\nfour */ a = 1 # five\nb = 2", "a@4 b@5 ", ""},
    {"a = \"# no comment\"\nb = '// none'\nc = \"/* none */\"\nd = http://x/y", "a@1 b@2 c@3 d@4 ", ""},
    {"a = {\"x\", # c\n  \"y\",\n}\nb = {}\nc = {z}", "a@1 b@4 c@5 ", ""},
    {"plugin \"x\" {}", "plugin:x@1 ", ""},
    {"plugin x {}", "plugin:x@1 ", ""},
    {"\nplugin \"x\" { module = \"y\" k = 1 }\ncommand \"c\" {\n argv = {\"/a\"} }",
     "plugin:x=y@2 command:c@3 "
     "module@2 k@2 argv@4 ",
     ""},
    {"plugin 'x' { s = \"} plugin \\\"z\\\" {\" }\nplugin \"w\" {}", "plugin:x@1 plugin:w@2 s@1 ", ""},
    {"a = \"esc \\\" \\\\\"\nb = 'it\\'s'", "a@1 b@2 ", ""},
    {"# plugin \"x\" {}\n/* plugin \"y\" { */ a = 1", "a@2 ", ""},
    {"a = 1\r\nb = 2\r\n", "a@1 b@2 ", ""},
    {"leg_defaults { a = 1 }\nplugin \"x\" {}", "defaults:leg_defaults@1 plugin:x@2 a@1 ", ""},
    /* errors, and what is found besides */
    {"leg_defaults \"x\" { a = 1 }\nb = 1", "defaults:leg_defaults@1 a@1 b@2 ", "1:leg_defaults: takes no name"},
    {"leg_defaults {\n a = 1\n", "defaults:leg_defaults@1 a@2 ", "1:leg_defaults is not closed: expected \"}\""},
    {"leg_default { a = 1 }\nb = 1", "b@2 ", "1:unknown section \"leg_default\"; did you mean \"leg_defaults\"?"},
    {"leg_defaults\nb = 1", "b@2 ", "1:leg_defaults: expected { ... } after it"},
    {"plugin \"x\" {\nplugin \"y\" {}\n}\n}\nb = 1", "plugin:x@1 plugin:y@2 b@5 ",
     "2:begins inside \"x\" of line 1|4:unexpected }"},
    {"plugin \"x\" {\nleg_defaults { a = 1 }", "plugin:x@1 defaults:leg_defaults@2 a@2 ",
     "2:begins inside \"x\" of line 1"},
    {"a = \"x\nb = 2", "b@2 ", "1:not closed on its line"},
    {"a 1\nb = 2", "b@2 ", "1:a: expected \"=\""},
    {"a\nb = 2", "b@2 ", "1:a: expected \"=\""},
    {"foo\nplugin \"x\" {}", "plugin:x@2 ", "1:foo: expected \"=\""},
    {"a =\nb = 1", "b@2 ", "1:a: expected a value"},
    {"a =\n}", "", "1:a: expected a value|2:unexpected }"},
    {"a += {\"x\"}\nb = 1", "b@2 ", "1:\"+=\" is not known"},
    {"a = {\"x\" \"y\"}\nb = 1", "b@2 ", "1:expected \",\" before \"y\""},
    {"a = {\"x\",\n\"y\"\nb = 1", "b@3 ", "1:a: the list that begins here is not closed"},
    {"/* a = 1\n\n", "", "1:never closed"},
    {"\n\na = \"${HOME}\"", "", "3:environment is not read"},
    {"a = \"\\${HOME}\"", "a@1 ", ""},
    {"a = \"\\q\"", "", "1:unknown escape"},
    {"a = \"x\ty\"", "a@1 ", ""},
    {"a = \"x\001y\"", "", "1:control character"},
    {"a = b*c", "", "1:unexpected \"*\""},
    /* one fault, one line; what stands on the next one is read */
    {"a = {{}}\nb = 1", "b@2 ", "1:a: a list inside a list"},
    {"a = {\"x\", {\"y\"}, \"z\"}\nb = 1", "b@2 ", "1:a: a list inside a list"},
    {"a = {\n{\"x\"},\n{\"y\"}\n}\nb = 1", "b@5 ", "1:a: a list inside a list"},
    {"a = {{\"x\"}\nb = 1", "b@2 ", "1:a: a list inside a list"},
    {"a = { x = 1 }\nb = 1", "b@2 ", "1:a: the list that begins here is not closed"},
    {"a = (\"x\", \"y\")\nb = 1", "b@2 ", "1:unexpected \"(\""},
    {"a => \"x\"\nb = 1", "b@2 ", "1:unexpected \"x\""},
    {"a == \"x\"\nb = 1", "b@2 ", "1:a: expected a value"},
    {"a = \"x\",\nb = 1", "b@2 ", "1:unexpected ,"},
    {"a = x = y\nb = 1", "b@2 ", "1:unexpected ="},
    {"\u00e9 = 1\nb = 1", "b@2 ", "1:unexpected \"\u00e9\": names are letters, digits"},
    {"a = \u00e9\nb = 1", "b@2 ", "1:other characters needs double quotes"},
    {"a\001b = 1\nb = 1", "b@2 ", "1:unexpected control character 0x01"},
    {"include(\"x.conf\")\nb = 1", "b@2 ", "1:include: other files cannot be included"},
    {"include \"x.conf\"\nb = 1", "b@2 ", "1:include: other files cannot be included"},
    {"@include x.conf\nb = 1", "b@2 ", "1:@include: other files cannot be included"},
    {"include = \"x\"\nb = 1", "include@1 b@2 ", ""},
    {"plugin \"\" { a = 1 }\nb = 1", "b@2 ", "1:plugin: expected a name"},
    {"command \"\" {}\nb = 1", "b@2 ", "1:command: expected a name"},
    {"plugin backup = {}\nb = 1", "b@2 ", "1:plugin: expected \"name\""},
    {"plugin(\"x\") { a = 1 }\nb = 1", "plugin:x@1 b@2 ", "1:unexpected \"(\""},
    {"plugni \"x\" { a = { \"}\" } }\nb = 1", "b@2 ", "1:unknown section \"plugni\"; did you mean \"plugin\"?"},
    {"plugin { a = 1 }\nb = 1", "b@2 ", "1:plugin: expected a name"},
    {"plugin \"x\" {\n a = 1\n", "plugin:x@1 a@2 ", "1:plugin \"x\" is not closed"},
    {"plugin \"x\" {\n a = 1\nplugin \"y\" {}\nb = 1", "plugin:x@1 plugin:y@3 a@2 b@4 ",
     "3:begins inside \"x\" of line 1"},
    {"plugin \"x\" { nested { a = 1 } b = 2 }\nc = 3", "plugin:x@1 b@1 c@2 ", "1:unknown section \"nested\""},
    /* what other formats have */
    {"a = [\"x\", \"y\"]\nb = 2", "a@1 b@2 ", "1:\"[\": lists are written { \"a\", \"b\" }"},
    {"a = [\"x\",\n\"y\"\n]\nb = 2", "a@1 b@4 ", "1:lists are written"},
    {"a = {\"x\"]\nb = 2", "a@1 b@2 ", "1:\"]\": lists are written"},
    {"a = [::1]:80\nb = {[fd00::1]:80, \"x\"}", "a@1 b@2 ", ""},
    {"[plugin.x]\na = 1", "a@2 ", "1:\"[\": sections are written plugin \"name\" { ... }"},
    {"a = 1;\nb = \"x;y\";\n; c\nd = 1", "a@1 b@2 d@4 ", "1:\";\": an option does not end with \";\": remove it"},
    {"; c = 1\na = 1", "a@2 ", "1:\";\": comments begin with #"},
    {"a: 1\nb: {\"x\"}\n", "a@1 b@2 ", "1:a: options are written NAME = VALUE|2:b: options are written"},
    {"\xef\xbb\xbf"
     "a = 1",
     "a@1 ", "1:a byte order mark: save the file as UTF-8 without one"},
    {"plugin \"x\"\nb = 1", "b@2 ", "1:plugin: expected \"name\" { ... } after it"},
    {"}\na = 1", "a@2 ", "1:unexpected }"},
    {"a = 1\n\x01\x02\nb = 1", "a@1 b@3 ", "2:unexpected control character 0x01: remove it"},
    {"\"a\" = 1", "", "1:unexpected \"a\""},
};

static void received(void *arg, enum config_severity severity, const char *line)
{
	char *all = arg;
	size_t used = strlen(all);

	(void)severity;
	snprintf(all + used, 2000 - used, "%s|", line + strlen("f:"));
}

static void found_print(const struct conf_scan *s, char *out, size_t size)
{
	static const char *const kinds[] = {"core", "plugin", "command", "defaults"};
	size_t used = 0;

	*out = '\0';
	for (size_t i = 1; i < s->n_sections; i++)
		used += (size_t)snprintf(out + used, size - used, "%s:%s%s%s@%u ", kinds[s->sections[i].kind],
		                         s->sections[i].title, s->sections[i].module ? "=" : "",
		                         s->sections[i].module ? s->sections[i].module : "", s->sections[i].line);
	for (size_t i = 0; i < s->n_options; i++)
		if (!s->options[i].bad)
			used += (size_t)snprintf(out + used, size - used, "%s@%u ", s->options[i].name,
			                         s->options[i].line);
}

/* Each expected config_error stands at its place; none more than expected. */
static void config_errors_compare(const struct scan_case *c, char *all)
{
	const char *want = c->config_errors;
	char *save = NULL;

	for (char *line = strtok_r(all, "|", &save); line; line = strtok_r(NULL, "|", &save)) {
		size_t len = strcspn(want, "|");
		const char *colon = strchr(want, ':');
		char part[200];

		if (len == 0)
			fail_msg("<%s>: unexpected config_error %s", c->text, line);
		assert_int_equal(atoi(line), atoi(want));
		snprintf(part, sizeof part, "%.*s", (int)(len - (size_t)(colon + 1 - want)), colon + 1);
		if (!strstr(line, part))
			fail_msg("<%s>: \"%s\" does not say \"%s\"", c->text, line, part);
		want += len + (want[len] == '|');
	}
	if (*want)
		fail_msg("<%s>: no config_error %s", c->text, want);
}

static void case_run(const struct scan_case *c)
{
	struct config_errors config_errors;
	struct conf_scan s;
	char found[1000], all[2000] = "";

	config_errors_init(&config_errors, "f");
	conf_scan(&s, c->text, strlen(c->text), &config_errors);
	config_errors_report(&config_errors, received, all);
	found_print(&s, found, sizeof found);
	if (strcmp(found, c->found) != 0)
		fail_msg("<%s>: found <%s>, expected <%s>", c->text, found, c->found);
	config_errors_compare(c, all);
	assert_int_equal(strlen(s.text), strlen(c->text));
	for (size_t i = 0; c->text[i]; i++)
		assert_true((c->text[i] == '\n') == (s.text[i] == '\n'));
	conf_scan_fini(&s);
	config_errors_fini(&config_errors);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		case_run(&cases[i]);
}

static void test_nul(void **state)
{
	static const char text[] = "a = \"x\0y\"\n\0b = 1";
	struct config_errors config_errors;
	struct conf_scan s;

	(void)state;
	config_errors_init(&config_errors, "f");
	conf_scan(&s, text, sizeof text - 1, &config_errors);
	assert_int_equal(config_errors.total, 2);
	assert_int_equal(strlen(s.text), sizeof text - 1);
	assert_int_equal(s.n_options, 2);
	assert_true(s.options[0].bad && s.options[1].bad);
	assert_string_equal(s.options[1].name, "b");
	conf_scan_fini(&s);
	config_errors_fini(&config_errors);
}

static void test_errors(void **state)
{
	struct config_errors c;
	char all[2000] = "";

	(void)state;
	config_errors_init(&c, "f");
	config_errors_add(&c, 7, "seven");
	config_errors_add(&c, 2, "two\n%s", "x");
	config_errors_add(&c, 7, "seven");
	config_errors_add(&c, 7, "seven again");
	config_errors_report(&c, received, all);
	assert_string_equal(all, "2: two?x|7: seven|7: seven again|");
	assert_int_equal(c.total, 4);
	/* warnings stand between them, and do not count */
	all[0] = '\0';
	config_errors_add(&c, 7, "seven");
	config_warnings_add(&c, 3, "three");
	config_errors_report(&c, received, all);
	assert_string_equal(all, "3: warning: three|7: seven|");
	assert_int_equal(c.total, 5);
	/* as many as there are */
	for (unsigned i = 0; i < 1000; i++)
		config_errors_add(&c, 1000 - i, "many");
	assert_int_equal(c.n, 1000);
	assert_int_equal(c.rows[0].line, 1);
	config_errors_fini(&c);
}

static void test_nearest(void **state)
{
	static const char *const known[] = {"listen", "heartbeat", "watchdog", "module"};
	static const struct {
		const char *typed, *near;
	} pairs[] = {{"lisen", "listen"}, {"heartbaet", "heartbeat"}, {"watch_dog", "watchdog"},
	             {"modul", "module"}, {"something", NULL},        {"x", NULL},
	             {"", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct suggest n;

		suggest_init(&n, pairs[i].typed);
		for (size_t k = 0; k < 4; k++)
			suggest_consider(&n, known[k]);
		if (pairs[i].near)
			assert_string_equal(n.name, pairs[i].near);
		else
			assert_null(n.name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
