/* SPDX-License-Identifier: MIT */
/* One section against its option table: typed values, and config_errors at the line of the error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

static const struct t3ops_option rows[] = {
    {"text", T3OPS_OPT_STRING, "", 0, 0, "Some text."},
    {"keep", T3OPS_OPT_INT, "6", 1, 10, "How many."},
    {"names", T3OPS_OPT_LIST, "a b", 0, 0, "Some names."},
    {"pause", T3OPS_OPT_DURATION, "10s", 1000000, 60000000, "How long."},
    {"brave", T3OPS_OPT_BOOL, "false", 0, 0, "Whether."},
};
#define N_ROWS   (sizeof rows / sizeof rows[0])
#define DEFAULTS "\"brave\":0,\"keep\":6,\"names\":[\"a\",\"b\"],\"pause\":10000000,\"text\":\"\""

struct conf_case {
	const char *text;
	size_t section;
	const char *json;          /* NULL: not looked at */
	const char *config_errors; /* "f:LINE: part" separated by |, "" for none */
};

static const struct conf_case cases[] = {
    {"", 0, "{" DEFAULTS "}", ""},
    {"keep = 3\nnames = {\"x\"}\ntext = \"y\"\npause = \"2s\"\nbrave = yes", 0,
     "{\"brave\":1,\"keep\":3,\"names\":[\"x\"],\"pause\":2000000,\"text\":\"y\"}", ""},
    {"names = {}", 0, NULL, ""},
    {"text = \"a \\\"b\\\" \\\\ c\"", 0, NULL, ""},
    {"keep = 11", 0, NULL, "f:1: keep = \"11\": expected 1 to 10"},
    /* comments of every kind move no line */
    {"# one\n# two\n// three\n/* four\nfive */\nkeep = 11", 0, NULL, "f:6: keep"},
    {"# a\nkeep = 1 # b\n# c\npause = \"1h\"", 0, NULL, "f:4: pause = \"1h\": expected 1s to 1m"},
    {"text = \"# no comment\"\nkeep = 0", 0, NULL, "f:2: keep"},
    {"names = {\"a\", # first\n\t\"b\", // second\n}\nkeep = 99", 0, NULL, "f:4: keep"},
    /* unknown, misspelt, twice */
    {"\nkeeep = 3", 0, "{" DEFAULTS "}", "f:2: unknown option \"keeep\"; did you mean \"keep\"?"},
    {"xyzzy = 3", 0, NULL, "f:1: unknown option \"xyzzy\""},
    {"keep = 1\n\nkeep = 2", 0, NULL, "f:3: keep is given twice, first on line 1"},
    /* every error is found in one run */
    {"keep = 0\npause = \"10\"\nbrave = maybe\nnope = 1", 0, NULL,
     "f:1: keep|f:2: pause|f:3: brave = \"maybe\": expected true or false|f:4: unknown option \"nope\""},
    /* the form of the value */
    {"keep = {\"1\"}", 0, NULL, "f:1: "},
    {"text = {\"a\", \"b\"}\nkeep = 50", 0, NULL, "f:1: text: expected one value, not a list|f:2: keep"},
    /* sections: their label and their own lines, neighbours' errors are not theirs */
    {"# c\nplugin \"p\" { # c\n  keep = 2\n}", 1, NULL, ""},
    {"plugin \"p\" {\n# c\n  keep = 20\n}\nkeep = 30", 1, NULL, "f:3: plugin p: keep = \"20\": expected 1 to 10"},
    {"plugin \"p\" {\n  keep = 20\n}\nkeep = 30", 0, NULL, "f:4: keep = \"30\""},
    {"plugin \"a\" {}\nplugin \"b\" {\n\n nope = 1 }", 2, NULL, "f:4: plugin b: unknown option \"nope\""},
    {"command \"c\" {\n keep = x\n}", 1, NULL, "f:2: command c: keep = \"x\": expected a whole number"},
};

struct received {
	char text[4000];
};

static void receive(void *arg, enum config_severity severity, const char *line)
{
	struct received *h = arg;
	size_t used = strlen(h->text);

	(void)severity;
	snprintf(h->text + used, sizeof h->text - used, "%s\n", line);
}

/* Every expected part begins a line of its own; no line more. */
static void received_compare(const struct conf_case *c, const struct received *h)
{
	const char *want = c->config_errors, *line = h->text;

	while (*line || *want) {
		size_t len = strcspn(want, "|"), line_len = strcspn(line, "\n");

		if (len == 0 || strncmp(line, want, len) != 0)
			fail_msg("<%s>: reported\n%.*s\nexpected\n%.*s", c->text, (int)line_len, line, (int)len,
			         want);
		want += len + (want[len] == '|');
		line += line_len + 1;
	}
}

/* {"NAME":VALUE,...} in the order of the names. */
static char *set_text(const struct option_set *set)
{
	json_t *list = option_set_json(set), *values = json_object(), *row;
	size_t i;
	char *text;

	json_array_foreach (list, i, row)
		json_object_set(values, json_string_value(json_array_get(row, 0)), json_array_get(row, 2));
	text = json_dumps(values, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(values);
	json_decref(list);
	return text;
}

static void case_run(const struct conf_case *c)
{
	struct config_errors config_errors;
	struct received received = {""};
	struct conf_scan s;
	struct option_set values;
	char *json;

	config_errors_init(&config_errors, "f");
	conf_scan(&s, c->text, strlen(c->text), &config_errors);
	conf_read(&s, c->section, rows, N_ROWS, &values, &config_errors);
	config_errors_report(&config_errors, receive, &received);
	received_compare(c, &received);
	json = set_text(&values);
	if (c->json && strcmp(json, c->json) != 0)
		fail_msg("<%s>: %s, expected %s", c->text, json, c->json);
	free(json);
	option_set_fini(&values);
	conf_scan_fini(&s);
	config_errors_fini(&config_errors);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		case_run(&cases[i]);
}

/* A required option is missed at the line of its section, and only then. */
static void test_required(void **state)
{
	static const struct t3ops_option required = {"to", T3OPS_OPT_PATH, T3OPS_REQUIRED, 0, 0, "Where to."};
	static const struct {
		const char *text, *config_error;
	} required_cases[] = {
	    {"\n# c\nplugin \"p\" {\n}", "f:3: plugin p: to is missing"},
	    {"plugin \"p\" { to = \"/x\" }", ""},
	    {"plugin \"p\" {\n to = \"x\" }", "f:2: plugin p: to = \"x\": expected an absolute path"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof required_cases / sizeof required_cases[0]; i++) {
		struct config_errors config_errors;
		struct received received = {""};
		struct conf_scan s;
		struct option_set values;

		config_errors_init(&config_errors, "f");
		conf_scan(&s, required_cases[i].text, strlen(required_cases[i].text), &config_errors);
		conf_read(&s, 1, &required, 1, &values, &config_errors);
		option_set_fini(&values);
		config_errors_report(&config_errors, receive, &received);
		if (strncmp(received.text, required_cases[i].config_error, strlen(required_cases[i].config_error)) !=
		    0)
			fail_msg("%s, expected %s", received.text, required_cases[i].config_error);
		assert_int_equal(*received.text == '\0', *required_cases[i].config_error == '\0');
		conf_scan_fini(&s);
		config_errors_fini(&config_errors);
	}
}

static void test_lines(void **state)
{
	static const char text[] = "keep = 1\nplugin \"p\" {\n\n pause = \"1s\" }\ncommand \"c\" {}\n";
	struct config_errors config_errors;
	struct conf_scan s;
	char label[96];

	(void)state;
	config_errors_init(&config_errors, "f");
	conf_scan(&s, text, strlen(text), &config_errors);
	assert_int_equal(s.n_sections, 3);
	assert_true(conf_has(&s, 0, "keep"));
	assert_false(conf_has(&s, 1, "keep"));
	assert_int_equal(conf_line(&s, 1, "pause"), 4);
	assert_int_equal(conf_line(&s, 1, "keep"), 2);
	assert_string_equal(conf_label(&s, 0, label, sizeof label), "");
	assert_string_equal(conf_label(&s, 1, label, sizeof label), "plugin p: ");
	assert_string_equal(conf_label(&s, 2, label, sizeof label), "command c: ");
	conf_scan_fini(&s);
	config_errors_fini(&config_errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_required),
	    cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
