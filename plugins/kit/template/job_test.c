/* The tests of @NAME@, against a played t3ops. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <t3ops/testhost.h>

extern const struct t3ops_plugin t3ops_plugin_@NAME@;

static struct testhost *begin(const char *least, const char *home)
{
	struct testhost *h = testhost_new(&t3ops_plugin_@NAME@, (const char *const[]){least, NULL});

	testhost_user(h, &(const struct t3ops_user){.name = "alice", .os_user = "al", .home = home});
	assert_int_equal(testhost_start(h), 0);
	return h;
}

static void end(struct testhost *h)
{
	testhost_stop(h);
	assert_string_equal(testhost_bugs(h), "");
	testhost_free(h);
}

static void there_is_room(void **state)
{
	struct testhost *h = begin("least=0", "/");

	(void)state;
	assert_int_equal(testhost_run(h, "alice", false), 0);
	assert_non_null(testhost_reported(h, "bytes"));
	assert_null(testhost_reported(h, "error"));
	end(h);
}

static void there_is_not_enough(void **state)
{
	struct testhost *h = begin("least=8000000G", "/");

	(void)state;
	assert_int_equal(testhost_run(h, "alice", false), -ENOSPC);
	assert_non_null(testhost_reported(h, "error"));
	end(h);
}

static void there_is_no_home(void **state)
{
	struct testhost *h = begin("least=0", "/nonexistent/home");

	(void)state;
	assert_int_equal(testhost_run(h, "alice", false), -ENOENT);
	assert_string_equal(testhost_reported(h, "error"), "/nonexistent/home: No such file or directory");
	end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_is_room),
	    cmocka_unit_test(there_is_not_enough),
	    cmocka_unit_test(there_is_no_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
