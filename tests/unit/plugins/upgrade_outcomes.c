/* SPDX-License-Identifier: MIT */
/* How runs and actions of upgrade ended, by the text of their events. */
#include "upgrade/outcomes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_outcome(void **state)
{
	static const struct {
		const char *line, *outcome;
	} cases[] = {
	    {"", NULL},
	    {"user=alice now=/opt/t3/1", NULL},
	    {"user=alice error=\"rejected: it does not pair\"", "rejected"},
	    {"user=alice error=\"check: rejected: it does not pair\"", "rejected"},
	    {"user=alice error=\"check: gate_broken: no copy\"", "gate_broken"},
	    {"user=alice error=\"run: rolled back: it crashes\"", "rolled_back"},
	    {"user=alice error=\"rollback: NOT ROLLED BACK: locked\" x=1", "rollback_failed"},
	    {"user=alice error=\"NOT ROLLED BACK: locked\"", "rollback_failed"},
	    {"user=alice error=\"check: /opt/t3/2 was rejected: it does not pair\"", NULL}, /* reported once */
	    {"user=alice error=\"run: check: rejected: x\"", NULL},
	    {"user=alice error=rejected: x", NULL},
	    {"error=\"rejected: x\"", NULL}, /* keys follow something */
	    {" error=\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *outcome = outcome_of(cases[i].line);

		if (cases[i].outcome == NULL)
			assert_null(outcome);
		else
			assert_string_equal(outcome, cases[i].outcome);
	}
}

static void test_fact(void **state)
{
	static const struct {
		const char *line, *key, *value; /* NULL: not there */
	} cases[] = {
	    {"a=1 now=/opt/t3/1 frozen=no", "now", "/opt/t3/1"},
	    {"a=1 now=/opt/t3/1 frozen=no", "frozen", "no"},
	    {"a=1 now=/opt/t3/1 frozen=no", "a", NULL},                               /* keys follow something */
	    {"plugin=upgrade facts=\"now=/opt/t3/1 frozen=no\"", "now", "/opt/t3/1"}, /* or a quote */
	    {"x=y not_now=1 now=2", "now", "2"},
	    {"x=y nowhere=1", "now", NULL},
	    {"x=y now=", "now", ""},
	    {"x=y now", "now", NULL},
	    {"x now= now=2", "now", ""},
	    {"x now=a\"b", "now", "a"},
	    {"", "now", NULL},
	    {"x now=0123456789abcdefgh", "now", "0123456789abcde"}, /* cut off, never beyond */
	};
	char value[16];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(outcome_fact(cases[i].line, cases[i].key, value, sizeof value),
		                 cases[i].value != NULL);
		if (cases[i].value != NULL)
			assert_string_equal(value, cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_outcome), cmocka_unit_test(test_fact)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
