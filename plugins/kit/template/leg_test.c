/* The tests of @NAME@, against a played t3ops: no network, and no time passes but by testhost_advance. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <t3ops/testhost.h>

extern const struct t3ops_plugin t3ops_plugin_@NAME@;

static const char *const options[] = {"url=http://router.example/", "timeout=5s", NULL};

/* The plugin runs, and its leg is being opened. */
static struct testhost *begin(const struct testhost_answer *answer, struct t3ops_leg **leg)
{
	struct testhost *h = testhost_new(&t3ops_plugin_@NAME@, options);

	if (answer != NULL)
		testhost_answer(h, NULL, answer);
	assert_int_equal(testhost_start(h), 0);
	*leg = testhost_leg(h, NULL);
	testhost_leg_open(h, *leg);
	return h;
}

static void end(struct testhost *h)
{
	testhost_stop(h);
	assert_int_equal(testhost_left(h), 0);
	assert_string_equal(testhost_bugs(h), "");
	testhost_free(h);
}

static void it_is_up_and_answers(void **state)
{
	const struct testhost_answer good = {.after_ms = 20};
	struct t3ops_leg *leg;
	struct testhost *h = begin(&good, &leg);

	(void)state;
	testhost_advance(h, 10);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_OPENING);
	testhost_advance(h, 10);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_UP);
	testhost_leg_ping(h, leg);
	testhost_advance(h, 20);
	assert_int_equal(testhost_leg_seen(leg)->pongs, 1);
	assert_int_equal(testhost_leg_seen(leg)->rtt_us, 20000);
	end(h);
}

static void what_stops_it_is_said(void **state)
{
	static const struct {
		struct testhost_answer answer;
		uint32_t step, reason;
		int code;
	} rows[] = {
	    {{.status = 503}, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 503},
	    {{.status = 302}, T3OPS_STEP_HTTP, T3OPS_R_WALLED_OFF, 302},
	    {{.error = -ENOENT}, T3OPS_STEP_DNS, T3OPS_R_DNS, 0},
	    {{.error = -ECONNREFUSED, .step = T3OPS_STEP_CONNECT}, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0},
	    {{.error = -EKEYREJECTED, .step = T3OPS_STEP_TLS}, T3OPS_STEP_TLS, T3OPS_R_TLS, 0},
	    {{.after_ms = 60000}, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct t3ops_leg *leg;
		struct testhost *h = begin(&rows[i].answer, &leg);

		testhost_advance(h, 5000);
		assert_int_equal(testhost_leg_seen(leg)->downs, 1);
		assert_int_equal(testhost_leg_seen(leg)->end_step, rows[i].step);
		assert_int_equal(testhost_leg_seen(leg)->reason, rows[i].reason);
		assert_int_equal(testhost_leg_seen(leg)->code, rows[i].code);
		end(h);
	}
}

/* Down while it was up, closed by t3ops, opened again. */
static void it_comes_back(void **state)
{
	const struct testhost_answer first = {.times = 1}, bad = {.error = -ECONNRESET, .times = 1}, good = {.status = 200};
	struct t3ops_leg *leg;
	struct testhost *h = begin(&first, &leg);

	(void)state;
	testhost_answer(h, NULL, &bad);
	testhost_answer(h, NULL, &good);
	testhost_advance(h, 1);
	testhost_leg_ping(h, leg);
	testhost_advance(h, 1);
	assert_int_equal(testhost_leg_seen(leg)->reason, T3OPS_R_RESET);
	assert_int_equal(testhost_leg_seen(leg)->state, TESTHOST_LEG_PAUSED);
	testhost_leg_open(h, leg);
	testhost_advance(h, 1);
	assert_int_equal(testhost_leg_seen(leg)->ups, 2);
	end(h);
}

/* A watchdog, or the end of the process, while a request is out. */
static void it_is_closed_while_it_asks(void **state)
{
	struct t3ops_leg *leg;
	struct testhost *h = begin(NULL, &leg);

	(void)state;
	assert_int_equal(testhost_fetching(h), 1);
	testhost_leg_close(h, leg);
	assert_int_equal(testhost_fetching(h), 0);
	testhost_advance(h, 60000);
	assert_int_equal(testhost_leg_seen(leg)->downs, 0);
	end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_up_and_answers),
	    cmocka_unit_test(what_stops_it_is_said),
	    cmocka_unit_test(it_comes_back),
	    cmocka_unit_test(it_is_closed_while_it_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
