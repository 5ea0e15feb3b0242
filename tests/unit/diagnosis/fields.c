/* SPDX-License-Identifier: MIT */
/* Structs as text: what is written is read as it was, and nothing else is read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/fields.h"

enum colour { RED, GREEN };

struct part {
	uint64_t big;
	enum colour colour;
};

struct row {
	uint8_t small;
	uint16_t reason;
	uint32_t middle;
	uint64_t large;
	double real;
	bool flag;
	enum colour colour;
	char text[16];
	const char *name;
	struct part part;
	struct tomo_path path;
};

static const char *colour_name(unsigned colour)
{
	static const char *const names[] = {"red", "green"};

	return names[colour];
}

static const struct field part_fields[] = {
    NUMBER(struct part, big),
    ENUM(struct part, colour, colour_name, 2),
    FIELDS_END,
};

static const struct field row_fields[] = {
    NUMBER(struct row, small),
    LABEL(struct row, reason, colour_name, 2),
    NUMBER(struct row, middle),
    NUMBER(struct row, large),
    REAL(struct row, real),
    FLAG(struct row, flag),
    ENUM(struct row, colour, colour_name, 2),
    TEXT(struct row, text),
    NAME(struct row, name),
    PART(struct row, part, part_fields),
    PATH(struct row, path),
    FIELDS_END,
};

static struct topology *names;

static int names_make(void **state)
{
	static const struct path_shape shape = {.n_legs = 0};
	const char *which;

	(void)state;
	return topology_new(&shape, &names, &which);
}

static int names_free(void **state)
{
	(void)state;
	topology_free(names);
	return 0;
}

static char *written(const struct row *row)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fields_write(row_fields, row, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static int read_from(const char *line, struct row *row)
{
	char *copy = strdup(line);
	int r;

	*row = (struct row){.small = 0};
	r = fields_read(row_fields, row, copy, names);
	free(copy);
	return r;
}

/* The text of the row, and of what is read from it. */
static void is_kept(const struct row *row, const char *text)
{
	char *line = written(row), *again;
	struct row other;

	assert_string_equal(line, text);
	assert_int_equal(read_from(line, &other), 0);
	again = written(&other);
	assert_string_equal(again, text);
	free(line);
	free(again);
}

static void what_is_zero_is_left_out(void **state)
{
	(void)state;
	is_kept(&(struct row){.small = 0}, "");
}

static void every_type(void **state)
{
	struct row row = {.small = 255,
	                  .reason = 1,
	                  .middle = UINT32_MAX,
	                  .large = UINT64_MAX,
	                  .real = 0.1,
	                  .flag = true,
	                  .colour = GREEN,
	                  .text = "a",
	                  .part = {.big = 7, .colour = GREEN}};

	(void)state;
	row.name = topology_name(names, "alice");
	tomo_path_add(&row.path, topology_name(names, "wan"));
	tomo_path_add(&row.path, topology_name(names, "serve(alice)"));
	is_kept(&row, " small=255 reason=green middle=4294967295 large=18446744073709551615 real=0.10000000000000001"
	              " flag=1 colour=green text=a name=alice part.big=7 part.colour=green path=wan"
	              " path=serve(alice)");
}

static void texts(void **state)
{
	static const char *const cases[][2] = {
	    {"plain", " text=plain"},
	    {"a b", " text=\"a b\""},
	    {"a\"b", " text=\"a\\\"b\""},
	    {"a\\b", " text=\"a\\\\b\""},
	    {"a=b", " text=\"a=b\""},
	    {"\n\x01", " text=\"\\x0a\\x01\""},
	    {"\xc3\xbc", " text=\"\\xc3\\xbc\""},
	    {"\xff", " text=\"\\xff\""},
	    {"#[]{}", " text=#[]{}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct row row = {.small = 0};

		strcpy(row.text, cases[i][0]);
		is_kept(&row, cases[i][1]);
	}
}

/* An empty name is one; a number without a name is written as one, where there may be such. */
static void corners(void **state)
{
	struct row row = {.reason = 900};

	(void)state;
	row.name = topology_name(names, "");
	is_kept(&row, " reason=900 name=\"\"");
}

static void refused(void **state)
{
	static const char *const lines[] = {
	    "small=256",
	    "small=-1",
	    "small=",
	    "small=1x",
	    "small",
	    "=1",
	    "unknown=1",
	    "part=1",
	    "part.none=1",
	    "large=18446744073709551616",
	    "flag=2",
	    "colour=blue",
	    "colour=1",
	    "colour=2",
	    "reason=1",
	    "reason=blue",
	    "real=x",
	    "real=-1",
	    "real=nan",
	    "real=inf",
	    "text=0123456789abcdef",
	    "text=\"a",
	    "text=\"\\q\"",
	    "text=\"\\x00\"",
	    "text=\"\\xg0\"",
	    "text=\"a\"b",
	    "text=a\"b",
	    "small=1\tmiddle=2",
	    "sma ll=1",
	};
	struct row row;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (read_from(lines[i], &row) != -EINVAL)
			fail_msg("\"%s\" was read", lines[i]);
}

static void a_path_has_an_end(void **state)
{
	char line[2048] = "";
	struct row row;

	(void)state;
	for (int i = 0; i <= TOMO_PATH_MAX; i++)
		sprintf(line + strlen(line), " path=s%d", i);
	assert_int_equal(read_from(line, &row), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_zero_is_left_out),
	    cmocka_unit_test(every_type),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(corners),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(a_path_has_an_end),
	};

	return cmocka_run_group_tests(tests, names_make, names_free);
}
