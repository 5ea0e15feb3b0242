/* SPDX-License-Identifier: MIT */
/* The line that answers without a click. */
#include "monitor/headline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define AT 1764252192000000 /* 2025-11-27T14:03:12Z */

#define VERDICT(state, name, exonerated, users)                                                                      \
	"{\"state\":\"" state "\",\"verdict\":\"" name "\",\"segments\":[\"" name                                    \
	"\"],\"infra_exonerated\":" exonerated                                                                       \
	",\"drop_time\":\"2025-11-27T14:03:12.000Z\",\"ended_time\":\"2025-11-27T14:05:00.000Z\",\"users\":" users   \
	",\"users_omitted\":0,\"symptom\":null}"
#define NEW_ONES                                                                                                     \
	"{\"state\":\"standing\",\"verdict\":\"tunnel\",\"segments\":[\"tunnel\"],\"infra_exonerated\":false,"       \
	"\"drop_time\":\"2025-11-27T14:03:12.000Z\",\"users\":[],\"symptom\":\"new_connections_only\"}"

#define WORKS(name, users)                                                                                           \
	"{\"state\":\"standing\",\"verdict\":\"" name "\",\"segments\":[\"" name                                     \
	"\"],\"infra_exonerated\":false,\"drop_time\":\"2025-11-27T14:03:12.000Z\","                                 \
	"\"works_time\":\"2025-11-27T14:04:00.000Z\",\"times\":3,\"users\":" users                                   \
	",\"users_omitted\":0,\"symptom\":null}"

static const struct {
	const char *verdicts, *last; /* JSON; NULL: none */
	uint64_t incident_us;
	size_t legs_down;
	const char *state, *line;
} cases[] = {
    {NULL, NULL, 0, 0, "clear", "All clear since 2025-11-27T14:03:12.000Z"},
    {NULL, VERDICT("healed", "exonerated", "true", "[\"a\"]"), 0, 0, "clear",
     "All clear since 2025-11-27T14:05:00.000Z, infra exonerated"},
    {NULL, VERDICT("healed", "tunnel", "false", "[\"a\"]"), 0, 0, "clear",
     "All clear since 2025-11-27T14:05:00.000Z (last: tunnel)"},
    {NULL, NULL, 0, 1, "degraded", "No verdict since 2025-11-27T14:03:12.000Z; 1 of 3 shared legs down"},
    {NULL, NULL, AT, 0, "unclear", "Evidence is gathered since 2025-11-27T14:03:12.000Z, no verdict yet"},
    {VERDICT("standing", "tunnel", "false", "[\"a\",\"b\",\"c\"]"), NULL, 0, 1, "down",
     "Tunnel down since 2025-11-27T14:03:12.000Z, 3 users affected"},
    {VERDICT("standing", "cloudflare or tunnel", "false", "[]"), NULL, 0, 0, "down",
     "Cloudflare or tunnel down since 2025-11-27T14:03:12.000Z, nobody affected yet"},
    {VERDICT("standing", "serve(alice)", "false", "[\"alice\"]"), NULL, 0, 0, "down",
     "The t3 server of alice down since 2025-11-27T14:03:12.000Z, 1 user affected"},
    {VERDICT("standing", "last_mile(alice)", "true", "[\"alice\"]"), NULL, 0, 0, "degraded",
     "The network of alice down since 2025-11-27T14:03:12.000Z, 1 user affected, infra exonerated"},
    {VERDICT("standing", "exonerated", "true", "[\"alice\"]"), NULL, 0, 0, "degraded",
     "Infra exonerated, users cut off since 2025-11-27T14:03:12.000Z, 1 user affected"},
    {VERDICT("standing", "prober", "false", "[]"), NULL, 0, 0, "degraded",
     "Only the probes' own path is broken since 2025-11-27T14:03:12.000Z, nobody affected yet"},
    {VERDICT("standing", "inconclusive", "false", "[]"), NULL, 0, 0, "unclear",
     "This machine has no network of its own since 2025-11-27T14:03:12.000Z, nobody affected yet"},
    {VERDICT("standing", "dns", "false", "[]"), NULL, 0, 0, "down",
     "DNS down since 2025-11-27T14:03:12.000Z, nobody affected yet"},
    {NEW_ONES, NULL, 0, 0, "down",
     "Tunnel: new connections fail since 2025-11-27T14:03:12.000Z, nobody affected yet"},
    {WORKS("tunnel", "[\"a\"]"), NULL, 0, 0, "unclear",
     "Tunnel down, 3 times; it works since 2025-11-27T14:04:00.000Z, 1 user affected"},
    {WORKS("tunnel", "[\"a\",\"b\"]") "," VERDICT("standing", "exonerated", "true", "[\"c\"]"), NULL, 0, 0,
     "degraded",
     "Infra exonerated, users cut off since 2025-11-27T14:03:12.000Z, 1 user affected; 1 more verdict stands"},
    {VERDICT("standing", "exonerated", "true", "[\"a\",\"b\"]") "," VERDICT(
         "standing", "tunnel", "false", "[\"c\"]") "," VERDICT("healed", "wan", "false", "[\"d\",\"e\",\"f\"]"),
     NULL, 0, 0, "down", "Tunnel down since 2025-11-27T14:03:12.000Z, 1 user affected; 1 more verdict stands"},
};

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *list = json_sprintf("[%s]", cases[i].verdicts != NULL ? cases[i].verdicts : "");
		json_t *verdicts = json_loads(json_string_value(list), 0, NULL);
		json_t *last = cases[i].last != NULL ? json_loads(cases[i].last, 0, NULL) : NULL;
		struct headline_facts f = {.verdicts = verdicts,
		                           .last = last,
		                           .incident_us = cases[i].incident_us,
		                           .since_us = AT,
		                           .legs = 3,
		                           .legs_down = cases[i].legs_down};
		json_t *o = headline_make(&f);
		char line[400];

		assert_non_null(verdicts);
		snprintf(line, sizeof line, "%s %s%s", text(o, "lead"), text(o, "since"), text(o, "rest"));
		assert_string_equal(line, cases[i].line);
		assert_string_equal(text(o, "state"), cases[i].state);
		json_decref(o);
		json_decref(last);
		json_decref(verdicts);
		json_decref(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
