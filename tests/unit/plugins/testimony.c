/* SPDX-License-Identifier: MIT */
/* What another t3ops says of its leg: what is believed of it, and what is not. */
#include "probe_vantage/testimony.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin.h"

#define CHALLENGE "00112233445566778899aabbccddeeff"

static const unsigned char key[TESTIMONY_KEY_BYTES] = "a key", other_key[TESTIMONY_KEY_BYTES] = "another";

/* The lines with their MAC, read. */
static const char *read_signed(const char *lines, struct testimony *out)
{
	char text[1024], mac[TESTIMONY_MAC_HEX + 1];
	int n = snprintf(text, sizeof text, "%s", lines);

	testimony_mac(key, text, (size_t)n, mac);
	n += snprintf(text + n, sizeof text - (size_t)n, "mac %s\n", mac);
	return testimony_read(text, (size_t)n, key, CHALLENGE, "cf", out);
}

#define HEAD "t3ops-testimony 1\nchallenge " CHALLENGE "\nleg cf\n"
#define TAIL "held_us 700\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo -\n"

static void test_believed(void **state)
{
	struct testimony t;

	(void)state;
	assert_null(
	    read_signed(HEAD "kind alive\nheld_us 700\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo FRA\n", &t));
	assert_int_equal(t.kind, TESTIMONY_ALIVE);
	assert_int_equal(t.held_us, 700);
	assert_int_equal(t.waited_us, 20);
	assert_string_equal(t.colo, "FRA");
	assert_null(read_signed(HEAD "kind down\nheld_us 0\nwaited_us 0\nstep 5\nreason 7\ncode 1006\ncolo -\n", &t));
	assert_int_equal(t.kind, TESTIMONY_DOWN);
	assert_int_equal(t.step, T3OPS_STEP_OPEN);
	assert_int_equal(t.reason, T3OPS_R_HEARTBEAT_TIMEOUT);
	assert_int_equal(t.code, 1006);
	assert_string_equal(t.colo, "");
	assert_null(read_signed(HEAD "kind none\n" TAIL, &t));
	assert_int_equal(t.kind, TESTIMONY_NONE);
}

/* An end that t3ops made itself, or that is none, says nothing of the path. */
static void test_no_end(void **state)
{
	static const char *const ends[] = {"step 5\nreason 14\n", "step 5\nreason 0\n", "step 0\nreason 7\n",
	                                   "step 5\nreason 28\n"};
	struct testimony t;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		snprintf(text, sizeof text, HEAD "kind down\nheld_us 0\nwaited_us 0\n%scode 0\ncolo -\n", ends[i]);
		assert_null(read_signed(text, &t));
		assert_int_equal(t.kind, TESTIMONY_NONE);
	}
}

static void test_refused(void **state)
{
	static const char *const lines[] = {
	    "",
	    "\n",
	    HEAD,
	    HEAD "kind alive\n",
	    HEAD "kind alive\n" TAIL "more 1\n",
	    HEAD "kind alive\n" TAIL "\n",
	    HEAD "kind dead\n" TAIL,
	    HEAD "kind  alive\n" TAIL,
	    HEAD "kind alive\nheld_us -1\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo -\n",
	    HEAD "kind alive\nheld_us 99999999999999999999\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo -\n",
	    HEAD "kind alive\nheld_us 3600000001\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo -\n",
	    HEAD "kind alive\nheld_us 1\nwaited_us 20\nstep 6\nreason 0\ncode 0\ncolo -\n",
	    HEAD "kind alive\nheld_us 1\nwaited_us 20\nstep 0\nreason 99\ncode 0\ncolo -\n",
	    HEAD "kind alive\nheld_us 1\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo FRANKFURT\n",
	    HEAD "kind alive\nheld_us 1\nwaited_us 20\nstep 0\nreason 0\ncode 0\ncolo f-1\n",
	    "t3ops-testimony 2\nchallenge " CHALLENGE "\nleg cf\nkind alive\n" TAIL,
	    "t3ops-testimony 1\nchallenge 10112233445566778899aabbccddeeff\nleg cf\nkind alive\n" TAIL,
	    "t3ops-testimony 1\nchallenge " CHALLENGE "\nleg other\nkind alive\n" TAIL,
	};
	struct testimony t;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (read_signed(lines[i], &t) == NULL)
			fail_msg("believed: %s", lines[i]);
}

/* Every bit counts. */
static void test_altered(void **state)
{
	char text[1024], mac[TESTIMONY_MAC_HEX + 1];
	int n = snprintf(text, sizeof text, "%s", HEAD "kind alive\n" TAIL);
	struct testimony t;

	(void)state;
	testimony_mac(key, text, (size_t)n, mac);
	n += snprintf(text + n, sizeof text - (size_t)n, "mac %s\n", mac);
	assert_null(testimony_read(text, (size_t)n, key, CHALLENGE, "cf", &t));
	assert_non_null(testimony_read(text, (size_t)n, other_key, CHALLENGE, "cf", &t));
	for (int i = 0; i < n; i++) {
		assert_non_null(testimony_read(text, (size_t)i, key, CHALLENGE, "cf", &t));
		text[i] ^= 1;
		assert_non_null(testimony_read(text, (size_t)n, key, CHALLENGE, "cf", &t));
		text[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_believed), cmocka_unit_test(test_no_end),
	                                   cmocka_unit_test(test_refused), cmocka_unit_test(test_altered)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
