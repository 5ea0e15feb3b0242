/* The tests of @NAME@, against a played t3ops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <t3ops/testhost.h>

extern const struct t3ops_plugin t3ops_plugin_@NAME@;

static struct testhost *begin(void)
{
	struct testhost *h = testhost_new(&t3ops_plugin_@NAME@, (const char *const[]){"greeting=good evening", NULL});

	testhost_user(h, &(const struct t3ops_user){.name = "alice"});
	assert_int_equal(testhost_start(h), 0);
	return h;
}

static double counted(const struct testhost *h, const char *fate)
{
	return testhost_metric(h, "t3ops_@NAME@_requests_total", (const char *const[]){fate, NULL});
}

static void end(struct testhost *h)
{
	testhost_stop(h);
	assert_string_equal(testhost_bugs(h), "");
	testhost_free(h);
}

static void its_path_is_answered(void **state)
{
	struct testhost *h = begin();
	t3ops_request_id r;

	(void)state;
	r = testhost_request(h, &(const struct testhost_request){.target = "/@NAME@?x", .user = "alice"});
	assert_int_equal(testhost_request_fate(h, r), TESTHOST_RESPONDED);
	assert_int_equal(testhost_response_status(h, r), 200);
	assert_string_equal(testhost_response_body(h, r), "good evening, alice\n");
	r = testhost_request(h, &(const struct testhost_request){.target = "/@NAME@"});
	assert_string_equal(testhost_response_body(h, r), "good evening, whoever you are\n");
	assert_true(counted(h, "answered") == 2);
	end(h);
}

static void all_others_pass(void **state)
{
	struct testhost *h = begin();
	t3ops_request_id r;

	(void)state;
	r = testhost_request(h, &(const struct testhost_request){.target = "/@NAME@/more", .user = "alice"});
	assert_int_equal(testhost_request_fate(h, r), TESTHOST_PASSED);
	assert_string_equal(testhost_forwarded_header(h, r, "X-Greeting"), "good evening");
	assert_true(counted(h, "passed") == 1);
	end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(its_path_is_answered),
	    cmocka_unit_test(all_others_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
