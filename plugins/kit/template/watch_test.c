/* The tests of @NAME@, against a played t3ops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <t3ops/testhost.h>

extern const struct t3ops_plugin t3ops_plugin_@NAME@;

static double counted(const struct testhost *h, const char *kind)
{
	return testhost_metric(h, "t3ops_@NAME@_events_total", (const char *const[]){kind, NULL});
}

static void kinds_are_chosen(void **state)
{
	struct testhost *h = testhost_new(&t3ops_plugin_@NAME@, (const char *const[]){"kinds=verdict leg_down", NULL});

	(void)state;
	assert_int_equal(testhost_start(h), 0);
	testhost_event(h, &(const struct t3ops_event){.kind = "verdict", .segments = "wan"});
	testhost_event(h, &(const struct t3ops_event){.kind = "leg_down", .plugin = "probe_internal"});
	testhost_event(h, &(const struct t3ops_event){.kind = "leg_up", .plugin = "probe_internal"});
	assert_true(counted(h, "verdict") == 1);
	assert_true(counted(h, "leg_down") == 1);
	assert_true(counted(h, "leg_up") == 0);
	assert_string_equal(testhost_logged(h, "event_seen", 0)->text, "verdict: wan");
	assert_string_equal(testhost_logged(h, "event_seen", 1)->text, "leg_down: probe_internal");
	assert_null(testhost_logged(h, "event_seen", 2));
	testhost_stop(h);
	assert_string_equal(testhost_bugs(h), "");
	testhost_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_are_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
