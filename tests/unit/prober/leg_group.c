/* SPDX-License-Identifier: MIT */
/* Whose series are shown where there are more users than metrics_per_user: those in trouble come first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../metrics_text.h"
#include "prober/leg_group.h"

#define MEMBERS 5
#define READER  4

static struct metrics *metrics;
static struct leg_group group;
static struct group_member members[MEMBERS];
static char listed[MEMBERS + 1]; /* a letter for each that is, a dot for one that is not */

static void on_list(void *arg, bool is)
{
	size_t i = (size_t)((struct group_member *)arg - members);

	listed[i] = is ? (char)('a' + i) : '.';
}

static void begin(int64_t limit)
{
	metrics = metrics_new();
	assert_non_null(metrics);
	leg_group_init(&group, metrics, "probe", limit);
	memset(listed, '.', MEMBERS);
	for (size_t i = 0; i < MEMBERS; i++) {
		members[i] = (struct group_member){.list = on_list, .arg = &members[i]};
		leg_group_join(&group, &members[i]);
	}
}

static void shows(const char *line)
{
	struct metrics *reader = metrics_open(metrics, READER, true);
	size_t len;
	char *page = metrics_text(reader, &len);

	if (!strstr(page, line))
		fail_msg("%s is missing in\n%s", line, page);
	free(page);
	metrics_free(reader);
}

static void end(void)
{
	for (size_t i = 0; i < MEMBERS; i++)
		leg_group_leave(&group, &members[i]);
	assert_string_equal(listed, ".....");
	shows("t3ops_legs{leg=\"probe\",state=\"up\"} 0\n");
	shows("t3ops_legs_unlisted{leg=\"probe\"} 0\n");
	metrics_free(metrics);
}

struct step {
	size_t member;
	enum group_state state;
	const char *listed;
};

static void play(const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		leg_group_set(&group, &members[steps[i].member], steps[i].state);
		if (strcmp(listed, steps[i].listed) != 0)
			fail_msg("step %zu: %s, expected %s", i, listed, steps[i].listed);
	}
}

static void test_trouble_first(void **state)
{
	static const struct step steps[] =
	    {
	        {0, GROUP_UP, "ab..."},     {1, GROUP_UP, "ab..."},
	        {4, GROUP_UP, "ab..."},   /* there is no room for the calm */
	        {3, GROUP_DOWN, ".b.d."}, /* whoever has been calm for longest gives way */
	        {4, GROUP_DOWN, "...de"},   {2, GROUP_DOWN, "...de"}, /* to nobody else in trouble, though */
	        {3, GROUP_UP, "...de"},     {0, GROUP_DOWN, "a...e"},
	        {0, GROUP_ABSENT, "a...e"}, {2, GROUP_UP, "a...e"},
	        {2, GROUP_DOWN, "..c.e"},
	    };

	(void)state;
	begin(2);
	assert_string_equal(listed, "ab...");
	play(steps, sizeof steps / sizeof steps[0]);
	shows("t3ops_legs{leg=\"probe\",state=\"up\"} 2\n");
	shows("t3ops_legs{leg=\"probe\",state=\"down\"} 2\n");
	shows("t3ops_legs{leg=\"probe\",state=\"absent\"} 1\n");
	shows("t3ops_legs_unlisted{leg=\"probe\"} 3\n");
	end();
}

static void test_all(void **state)
{
	static const struct step steps[] = {{3, GROUP_DOWN, "abcde"}, {3, GROUP_UP, "abcde"}};

	(void)state;
	begin(INT64_MAX);
	play(steps, sizeof steps / sizeof steps[0]);
	end();
}

static void test_none(void **state)
{
	static const struct step steps[] = {{3, GROUP_DOWN, "....."}, {3, GROUP_UP, "....."}};

	(void)state;
	begin(0);
	play(steps, sizeof steps / sizeof steps[0]);
	shows("t3ops_legs_unlisted{leg=\"probe\"} 5\n");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trouble_first),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
