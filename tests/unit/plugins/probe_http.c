/* SPDX-License-Identifier: MIT */
/* What an answer over HTTP means. */
#include "probe_http/edge_answer.h"
#include "probe_http/status_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_edge_answers(void **state)
{
	static const struct {
		int status;
		const char *server, *body, *words; /* words: some of them; NULL: nothing is known of it */
		bool is_of_edge;
	} rows[] = {
	    {530, "cloudflare", "error code: 1033", "no cloudflared", false},
	    {530, "Cloudflare", "<title>Cloudflare Tunnel error | t3 | Cloudflare</title> Error 1033",
	     "no cloudflared", false},
	    {530, "cloudflare", "error code: 1016", "no address", false},
	    {530, "cloudflare", "error code: 1", "cannot reach", false},
	    {530, "cloudflare", "", "cannot reach", false},
	    {530, NULL, "error code: 1033", NULL, false},
	    {530, "nginx", "error code: 1033", NULL, false},
	    {521, "cloudflare", "error code: 521", "refused", false},
	    {522, "cloudflare", "", "in time", false},
	    {526, "cloudflare", "", "certificate", false},
	    {500, "cloudflare", "error code: 1101", "worker", true},
	    {500, "cloudflare", "error code: 11011", NULL, false},
	    {500, "cloudflare", "it says error, but no number", NULL, false},
	    {500, "cloudflare", "", NULL, false}, /* the origin's own, passed on */
	    {429, "cloudflare", "error code: 1015", "rate", true},
	    {429, "cloudflare", "slow down", NULL, false},
	    {403, "cloudflare", "error code: 1020", "rule", true},
	    {403, "cloudflare", "error code: 99999999999999999999", NULL, false},
	    {200, "cloudflare", "error code: 1033", NULL, false},
	    {502, "cloudflare", "error code: 502", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct edge_answer *a = edge_answer_find(rows[i].status, rows[i].server, rows[i].body);

		if ((a != NULL) != (rows[i].words != NULL) ||
		    (a && (!strstr(a->words, rows[i].words) || a->is_of_edge != rows[i].is_of_edge)))
			fail_msg("%d %s: %s", rows[i].status, rows[i].body, a ? a->words : "nothing");
	}
}

static void test_statuses(void **state)
{
	static const struct {
		const char *pattern;
		int status; /* 0: it is no pattern */
		bool fits;
	} rows[] = {
	    {"200", 200, true}, {"200", 201, false}, {"2xx", 200, true}, {"2xx", 299, true}, {"2xx", 300, false},
	    {"5xx", 503, true}, {"xxx", 0, false},   {"2x", 0, false},   {"20", 0, false},   {"2000", 0, false},
	    {"600", 0, false},  {"099", 0, false},   {"2x1", 0, false},  {"", 0, false},     {"2XX", 0, false},
	    {"20x", 0, false},  {"-20", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (status_is_pattern(rows[i].pattern) != (rows[i].status != 0))
			fail_msg("%s", rows[i].pattern);
		if (rows[i].status != 0 && status_fits(rows[i].status, rows[i].pattern) != rows[i].fits)
			fail_msg("%s: %d", rows[i].pattern, rows[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edge_answers),
	    cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
