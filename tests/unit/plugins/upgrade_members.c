/* SPDX-License-Identifier: MIT */
/* A rollout over all users: whose turn it is, and what speaks against a version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "upgrade/evidence.h"
#include "upgrade/members.h"
#include "upgrade/part.h"

/* ---- members ---------------------------------------------------------------------------------------------- */

static void answer(json_t *users, const char *user, const char *busy, const char *input_s, const char *frozen)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "user", user, "busy", busy, "input_s", input_s, "frozen",
	                        frozen);

	members_survey(users, row);
	json_decref(row);
}

static json_t *three(void)
{
	json_t *users = json_object();

	answer(users, "alice", "", "100", "");
	answer(users, "bob", "", "300", "");
	answer(users, "carol", "1 turn is in progress", "5", "");
	return users;
}

static void test_who_is_next(void **state)
{
	json_t *users = three();

	(void)state;
	assert_string_equal(members_next(users, ""), "bob");        /* idle for longest */
	assert_string_equal(members_next(users, "alice"), "alice"); /* the canary */
	assert_null(members_next(users, "carol"));                  /* a canary who is busy is waited for */
	members_set(users, "alice", "done", "");
	assert_string_equal(members_next(users, "carol"), "bob"); /* the first one is over */
	members_set(users, "bob", "done", "");
	assert_null(members_next(users, ""));
	assert_int_equal(members_count(users, "waiting"), 1);
	answer(users, "carol", "", "900", "");
	assert_string_equal(members_next(users, "nobody"), "carol");
	json_decref(users);
}

static void test_frozen_and_back(void **state)
{
	json_t *users = three();

	(void)state;
	answer(users, "bob", "", "300", "exams");
	assert_string_equal(members_text(users, "bob", "is"), "frozen");
	assert_string_equal(members_text(users, "bob", "why"), "exams");
	assert_string_equal(members_next(users, ""), "alice");
	answer(users, "bob", "", "300", "");
	assert_string_equal(members_text(users, "bob", "is"), "waiting");
	members_set(users, "bob", "done", "");
	answer(users, "bob", "", "300", "somebody");
	assert_string_equal(members_text(users, "bob", "is"), "done");
	json_decref(users);
}

/* Of whom nothing comes is busy, whatever was known before. */
static void test_silent(void **state)
{
	json_t *users = three();

	(void)state;
	members_survey_begin(users);
	assert_null(members_next(users, ""));
	answer(users, "alice", "", "1", "");
	assert_string_equal(members_next(users, ""), "alice");
	json_decref(users);
}

static void test_proven(void **state)
{
	json_t *users = three();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_non_null(members_unproven(users));
		members_prove(users, members_unproven(users));
	}
	assert_null(members_unproven(users));
	answer(users, "dave", "", "1", "");
	assert_string_equal(members_unproven(users), "dave");
	members_set(users, "dave", "same", "");
	assert_null(members_unproven(users));
	json_decref(users);
}

/* ---- evidence --------------------------------------------------------------------------------------------- */

#define MOVED_US UINT64_C(1000000000)

static struct evidence evidence_of_alice(void)
{
	struct evidence e = {.leg = "probe_t3serve", .segment = "serve", .drops_max = 1};

	evidence_begin(&e, "alice");
	evidence_moved(&e, MOVED_US);
	return e;
}

static void event(struct evidence *e, const char *kind, const char *plugin, const char *user, const char *segments,
                  const char *line, uint64_t after_us)
{
	const struct t3ops_event event = {.struct_size = sizeof event,
	                                  .time_us = MOVED_US + after_us,
	                                  .kind = kind,
	                                  .plugin = plugin,
	                                  .user = user,
	                                  .line = line,
	                                  .verdict = 7,
	                                  .segments = segments};

	evidence_event(e, &event);
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *segments, *line;
		bool convicts;
	} cases[] = {
	    {"serve(alice)", "event=verdict duration_ms=10.5 verdict=7", true},
	    {"serve(alice)", "event=verdict duration_ms=3000.0 verdict=7",
	     false}, /* it began before the move ended */
	    {"serve(bob)", "event=verdict duration_ms=1", false},
	    {"serve(alice) serve(bob)", "event=verdict duration_ms=1", false},
	    {"dispatch serve(alice)", "event=verdict duration_ms=1", false},
	    {"exonerated", "event=verdict duration_ms=1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct evidence e = evidence_of_alice();

		event(&e, "verdict", "", "alice", cases[i].segments, cases[i].line, 2000000);
		assert_int_equal(evidence_judge(&e) != NULL, cases[i].convicts);
	}
}

static void test_drops(void **state)
{
	struct evidence e = evidence_of_alice();

	(void)state;
	event(&e, "tunnel_dropped", "", "alice", "", "event=tunnel_dropped reason=client_reset user=alice", 1);
	event(&e, "tunnel_dropped", "", "bob", "", "event=tunnel_dropped reason=upstream_eof user=bob", 1);
	event(&e, "tunnel_dropped", "", "alice", "", "event=tunnel_dropped reason=upstream_eof user=alice", 1);
	assert_null(evidence_judge(&e));
	event(&e, "tunnel_dropped", "", "alice", "", "event=tunnel_dropped reason=upstream_reset user=alice", 1);
	assert_string_equal(evidence_judge(&e), "it ended 2 connections of the user");
	assert_int_equal(e.drops, 3);
}

/* A leg that was down while the server was moved, and comes up, says nothing; one that is down at the end does. */
static void test_leg(void **state)
{
	struct evidence e = {.leg = "probe_t3serve", .segment = "serve", .drops_max = 1};

	(void)state;
	evidence_begin(&e, "alice");
	event(&e, "leg_down", "probe_t3serve", "alice", "", "", 0);
	event(&e, "tunnel_dropped", "", "alice", "", "event=tunnel_dropped reason=upstream_eof", 0);
	evidence_moved(&e, MOVED_US);
	assert_string_equal(evidence_judge(&e), "its leg is down");
	event(&e, "leg_up", "probe_t3serve", "bob", "", "", 0);
	assert_non_null(evidence_judge(&e));
	event(&e, "leg_up", "probe_t3serve", "alice", "", "", 0);
	assert_null(evidence_judge(&e));
	assert_int_equal(e.drops, 0);
}

/* ---- parts --------------------------------------------------------------------------------------------------- */

/* Each user is in exactly one of them, and none of them has nearly all. */
static void test_parts(void **state)
{
	(void)state;
	assert_true(part_has(NULL, "alice"));
	assert_true(part_has("0/1", "alice"));
	assert_true(part_has("nonsense", "alice"));
	assert_true(part_has("1/0", "alice"));
	for (unsigned n = 2; n <= 64; n *= 2) {
		unsigned most = 0, users[64] = {0};

		for (unsigned u = 0; u < 1000; u++) {
			char user[16], part[16];
			unsigned times = 0;

			snprintf(user, sizeof user, "user%u", u);
			for (unsigned k = 0; k < n; k++) {
				snprintf(part, sizeof part, "%u/%u", k, n);
				times += part_has(part, user);
				users[k] += part_has(part, user);
			}
			assert_int_equal(times, 1);
		}
		for (unsigned k = 0; k < n; k++)
			most = users[k] > most ? users[k] : most;
		assert_in_range(most, 1000 / n, 2 * 1000 / n + 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_is_next), cmocka_unit_test(test_frozen_and_back), cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_proven),      cmocka_unit_test(test_verdicts),        cmocka_unit_test(test_drops),
	    cmocka_unit_test(test_leg),         cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
