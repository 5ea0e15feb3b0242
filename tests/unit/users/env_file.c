/* SPDX-License-Identifier: MIT */
/* Environment files as systemd reads them: every kind of quote, escape, comment and continued line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "users/env_file.h"

struct env_case {
	const char *name, *text;
	enum env_result result;
	const char *value;
};

/* What systemd 252 makes of them, `systemctl show -p Environment` of a unit with such a file. */
static const struct env_case cases[] = {
    {"plain", "T3_PORT=3773\n", ENV_FOUND, "3773"},
    {"double quotes", "T3_PORT=\"3773\"\n", ENV_FOUND, "3773"},
    {"single quotes", "T3_PORT='3773'\n", ENV_FOUND, "3773"},
    {"blanks around =", "T3_PORT = 3773\n", ENV_FOUND, "3773"},
    {"blank before =", "T3_PORT =3773\n", ENV_FOUND, "3773"},
    {"blank after =", "T3_PORT= 3773\n", ENV_FOUND, "3773"},
    {"leading blanks", "   T3_PORT=3773\n", ENV_FOUND, "3773"},
    {"export", "export T3_PORT=3773\n", ENV_ABSENT, ""},
    {"# behind a value", "T3_PORT=3773 # alice\n", ENV_FOUND, "3773 # alice"},
    {"; line", ";T3_PORT=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"# line", "#T3_PORT=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"CRLF", "T3_PORT=3773\r\n", ENV_FOUND, "3773"},
    {"the last one counts", "T3_PORT=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"emptied again", "T3_PORT=1\nT3_PORT=\n", ENV_FOUND, ""},
    {"trailing blanks", "T3_PORT=3773   \n", ENV_FOUND, "3773"},
    {"no newline", "T3_PORT=3773", ENV_FOUND, "3773"},
    {"continuation swallows", "T3_PORT=3773\nA=b \\\nT3_PORT=1\n", ENV_FOUND, "3773"},
    {"quotes swallow", "T3_PORT=3773\nNOTE=\"x\nT3_PORT=1\ny\"\n", ENV_FOUND, "3773"},
    {"quotes never closed", "T3_PORT=3773\nNOTE='x\nT3_PORT=1\n", ENV_FOUND, "3773"},
    {"continued value", "T3_PORT=\\\n3773\n", ENV_FOUND, "3773"},
    {"escape", "T3_PORT=\\3773\n", ENV_FOUND, "3773"},
    {"leading zero", "T3_PORT=03773\n", ENV_FOUND, "03773"},
    {"another name's end", "MY_T3_PORT=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"another name's beginning", "T3_PORT_OLD=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"variable", "P=3773\nT3_PORT=$P\n", ENV_FOUND, "$P"},
    {"lower case", "t3_port=3773\n", ENV_ABSENT, ""},
    {"no =", "T3_PORT\n", ENV_ABSENT, ""},
    {"empty", "", ENV_ABSENT, ""},
    {"two pieces in quotes", "T3_PORT=\"37\" '73'\n", ENV_FOUND, "3773"},
    {"blanks in quotes stay", "T3_PORT=\" 3773 \"  \n", ENV_FOUND, " 3773 "},
    {"escapes in double quotes", "T3_PORT=\"\\$\\\"\\`\\\\\\a\\\n\"\n", ENV_FOUND, "$\"`\\\\a"},
    {"no escapes in single quotes", "T3_PORT='\\$'\n", ENV_FOUND, "\\$"},
    {"# inside a value", "T3_PORT=a#b\n", ENV_FOUND, "a#b"},
    {"quote inside a value", "T3_PORT=a\"b\n", ENV_FOUND, "a\"b"},
    /* systemd 254 ends a comment at its line's end, earlier ones go on */
    {"continued comment", "T3_PORT=3773\n# old: \\\nT3_PORT=1\n", ENV_AMBIGUOUS, ""},
    {"continued comment over another line", "# old: \\\nA=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"said again after the doubt", "# old: \\\nT3_PORT=1\nT3_PORT=3773\n", ENV_FOUND, "3773"},
    {"too long", "T3_PORT=0123456789012345678901234567890123456789\n", ENV_TOO_LONG, ""},
    {"as long as may be", "T3_PORT=0123456789012345678901234567890\n", ENV_FOUND, "0123456789012345678901234567890"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct env_case *c = &cases[i];
		char value[32];
		enum env_result r = env_file_get(c->text, strlen(c->text), "T3_PORT", value, sizeof value);

		if (r != c->result || strcmp(value, c->value) != 0)
			fail_msg("%s: %d <%s>", c->name, r, value);
	}
}

/* However long other lines are, and whatever they end in. */
static void test_long_line(void **state)
{
	char text[8192], value[32];
	size_t n;

	(void)state;
	memcpy(text, "T3_PORT=3773\nA=", 15);
	memset(text + 15, 'x', 5000);
	n = 5015;
	memcpy(text + n, "T3_PORT=1\n", 10);
	assert_int_equal(env_file_get(text, n + 10, "T3_PORT", value, sizeof value), ENV_FOUND);
	assert_string_equal(value, "3773");
	memset(text, 'N', 200); /* a name longer than any */
	assert_int_equal(env_file_get(text, n + 10, "T3_PORT", value, sizeof value), ENV_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_long_line)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
