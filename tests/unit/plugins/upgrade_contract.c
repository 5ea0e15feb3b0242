/* SPDX-License-Identifier: MIT */
/* What differs between two versions, in words. */
#include "upgrade/contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SAME                                                                                                         \
	"\"endpoint\":\"/api/auth/"                                                                                  \
	"bootstrap\",\"status\":\"200\",\"cookie\":\"t3_session\",\"attributes\":\"HttpOnly\","                      \
	"\"keys\":\"auth role\",\"heartbeat\":\"Pong\""

static void test_compare(void **state)
{
	static const struct {
		const char *before, *after, *text;
	} cases[] = {
	    {"{" SAME "}", "{" SAME "}", ""},
	    {"{" SAME ",\"version\":\"1\",\"start_ms\":\"9\"}", "{" SAME "}", ""}, /* no part of it */
	    {"{" SAME "}", "{" SAME ",\"status\":\"204\"}", "its status was 200, is 204"},
	    {"{" SAME "}", "{" SAME ",\"cookie\":\"t3\",\"heartbeat\":\"{}\"}",
	     "session cookie's name was t3_session, is t3; first heartbeat was Pong, is {}"},
	    {"{}", "{\"endpoint\":\"/x\"}", "pairing endpoint was nothing, is /x"},
	    {"{\"keys\":\"a\"}", "{\"keys\":7}", "keys of the session's JSON was a, is nothing"},
	    {"{}", "{}", ""},
	};
	char out[200], small[12];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *before = json_loads(cases[i].before, 0, NULL), *after = json_loads(cases[i].after, 0, NULL);

		assert_non_null(before);
		assert_non_null(after);
		contract_compare(before, after, out, sizeof out);
		assert_string_equal(out, cases[i].text);
		contract_compare(before, after, small, sizeof small);
		assert_int_equal(strncmp(small, out, sizeof small - 1), 0); /* cut off, never beyond */
		json_decref(before);
		json_decref(after);
	}
	contract_compare(NULL, NULL, out, sizeof out); /* of proofs that never began */
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
