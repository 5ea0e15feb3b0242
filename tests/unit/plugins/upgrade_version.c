/* SPDX-License-Identifier: MIT */
/* Versions, their order and channel; the guard; the window; what a channel's programs are called with; whether t3's
 * own updater is in charge. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "upgrade/channel.h"
#include "upgrade/guard.h"
#include "upgrade/managed.h"
#include "upgrade/outcomes.h"
#include "upgrade/version.h"
#include "upgrade/window.h"

static void is_a_version(void **state)
{
	static const char *const yes[] = {"0.0.24",     "1.2.3",         "0.0.34-nightly.20261127.1",
	                                  "0.0.34-a-b", "1.0.0+build.5", "0.0.34-rc.1+7"};
	static const char *const no[] = {"",         "1",        "1.2",        "1.2.x",     "v1.2.3",  "1.2.3-",
	                                 "1.2.3-a.", "1.2.3/..", "../1.2.3",   "1.2.3-a/b", "1.2.3 4", "1..3",
	                                 "1.2.3+",   "-1.2.3",   "1.2.3-a..b", "latest"};
	char longest[VERSION_SIZE + 16];

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		assert_true(version_is(yes[i]));
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(version_is(no[i]));
	snprintf(longest, sizeof longest, "1.2.3-%064d", 1);
	assert_false(version_is(longest));
}

static void in_order(void **state)
{
	static const char *const ascending[] = {"0.0.24",
	                                        "0.0.28",
	                                        "0.0.33-2",
	                                        "0.0.33-10",
	                                        "0.0.33-alpha",
	                                        "0.0.33-alpha.1",
	                                        "0.0.33-alpha.beta",
	                                        "0.0.33-nightly.20261126",
	                                        "0.0.33-nightly.202611270130",
	                                        "0.0.33",
	                                        "0.0.100",
	                                        "0.1.0",
	                                        "1.0.0"};
	const size_t n = sizeof ascending / sizeof ascending[0];

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			int r = version_compare(ascending[i], ascending[k]);

			assert_int_equal((r > 0) - (r < 0), (i > k) - (i < k));
		}
	assert_int_equal(version_compare("1.0.0+a", "1.0.0+b"), 0);
}

static void of_a_channel(void **state)
{
	(void)state;
	assert_true(version_in_channel("0.0.33", "latest"));
	assert_true(version_in_channel("0.0.33", "nightly"));
	assert_true(version_in_channel("0.0.33-nightly.1", "nightly"));
	assert_true(version_in_channel("0.0.33+nightly-1", "latest"));
	assert_false(version_in_channel("0.0.33-nightly.1", "latest"));
	assert_false(version_in_channel("0.0.33-nightly.1", "night"));
	assert_false(version_in_channel("0.0.33-rc.1", "nightly"));
}

static void printed(void **state)
{
	static const struct {
		const char *text, *version;
	} rows[] = {{"t3 v0.0.24\n", "0.0.24"},
	            {"0.0.28\n", "0.0.28"},
	            {"t3@0.0.27 '0.0.27'\nt3@0.0.28 '0.0.28'\n", "0.0.28"},
	            {"npm notice\n0.0.34-nightly.1", "0.0.34-nightly.1"},
	            {"", NULL},
	            {"t3 version", NULL},
	            {"../../etc", NULL}};
	char found[VERSION_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(version_find(rows[i].text, found), rows[i].version != NULL);
		if (rows[i].version != NULL)
			assert_string_equal(found, rows[i].version);
	}
}

static void guarded(void **state)
{
	static const struct {
		struct guard guard;
		const char *why; /* NULL: it passes */
	} rows[] = {
	    {{"0.0.33", "latest", "0.0.32", -1, 37, false, false}, NULL},
	    {{"0.0.32", "latest", "0.0.32", -1, 37, false, false}, NULL},
	    {{"0.0.33", "latest", "", -1, -1, false, false}, NULL},
	    {{"0.0.28", "latest", "0.0.32", -1, 37, false, false}, "is older than 0.0.32"},
	    {{"0.0.28", "latest", "0.0.32", 32, 37, true, false}, NULL},
	    {{"0.0.28", "latest", "", 32, 37, false, false}, "knows the database up to migration 32"},
	    {{"0.0.28", "latest", "", 37, 37, false, false}, NULL},
	    {{"0.0.33-nightly.1", "latest", "0.0.32", -1, -1, false, false}, "pre-release of another channel"},
	    {{"0.0.33-nightly.1", "nightly", "0.0.32", -1, -1, false, false}, NULL},
	    {{"0.0.33-nightly.1", "latest", "0.0.32", -1, -1, false, true}, NULL},
	    {{"0.0.33-nightly.1", "", "0.0.32", -1, -1, false, false}, NULL},
	    {{"0.0.33-nightly.1", "nightly", "0.0.33", -1, -1, false, false}, "is older than 0.0.33"},
	};
	char why[300];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(guard_passes(&rows[i].guard, why, sizeof why), rows[i].why == NULL);
		if (rows[i].why != NULL)
			assert_non_null(strstr(why, rows[i].why));
	}
}

static void in_the_window(void **state)
{
	static const struct {
		int from, to, minute;
		bool inside;
	} rows[] = {{120, 300, 119, false},  {120, 300, 120, true},  {120, 300, 299, true},  {120, 300, 300, false},
	            {1380, 60, 1379, false}, {1380, 60, 1380, true}, {1380, 60, 0, true},    {1380, 60, 60, false},
	            {60, 60, 0, true},       {60, 60, 60, true},     {0, 1439, 1439, false}, {0, 0, 700, true}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(window_contains(rows[i].from, rows[i].to, rows[i].minute), rows[i].inside);
}

static void filled_in(void **state)
{
	static const struct t3ops_user user = {.name = "alice", .os_user = "al", .home = "/home/al"};
	static const struct channel_words words = {"0.0.33", "/v/alice/0.0.33", "latest", &user};
	char out[40];

	(void)state;
	assert_int_equal(channel_fill(out, sizeof out, "t3@%v", &words), 0);
	assert_string_equal(out, "t3@0.0.33");
	assert_int_equal(channel_fill(out, sizeof out, "%p/bin %c %n", &words), 0);
	assert_string_equal(out, "/v/alice/0.0.33/bin latest alice");
	assert_int_equal(channel_fill(out, sizeof out, "%h:%u:100%%", &words), 0);
	assert_string_equal(out, "/home/al:al:100%");
	assert_int_equal(channel_fill(out, sizeof out, "%x", &words), -EINVAL);
	assert_int_equal(channel_fill(out, sizeof out, "%", &words), -EINVAL);
	assert_int_equal(channel_fill(out, sizeof out, "%p%p%p", &words), -ENAMETOOLONG);
}

static void runs_below(void **state)
{
	static const char its[] =
	    "/usr/bin/node\0/home/a/.t3/runtime/versions/0.0.45/node_modules/t3/dist/bin.mjs\0serve";
	static const char ours[] = "/usr/bin/node\0/var/lib/t3ops-upgrade/a/current/bin/t3\0--base-dir\0/home/a/.t3";

	(void)state;
	assert_true(argv_runs_below(its, sizeof its, "/home/a/.t3/runtime/"));
	assert_false(argv_runs_below(ours, sizeof ours, "/home/a/.t3/runtime/"));
	assert_false(argv_runs_below("", 1, "/home/a/.t3/runtime/"));
	assert_false(argv_runs_below("/home/a/.t3/runtime/", 20, "/home/a/.t3/runtime/"));
}

/* Its unit is enabled by a link that may lead nowhere for us. */
static void enabled(void **state)
{
	char home[] = "/tmp/t3home.XXXXXX", path[200], text[400];
	struct t3ops_user user = {.name = "alice", .home = home};
	static const char *const dirs[] = {"/.config", "/.config/systemd", "/.config/systemd/user",
	                                   "/.config/systemd/user/default.target.wants"};

	(void)state;
	assert_non_null(mkdtemp(home));
	assert_int_equal(managed_find(&user, home, "/nonexistent/state.sqlite", text, sizeof text), MANAGED_T3OPS);
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		snprintf(path, sizeof path, "%s%s", home, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof path, "%s%s/t3code.service", home, dirs[3]);
	assert_int_equal(symlink("../t3code.service", path), 0);
	assert_int_equal(managed_find(&user, home, "/nonexistent/state.sqlite", text, sizeof text), MANAGED_T3);
	assert_non_null(strstr(text, "is enabled for this user with an unknown version"));
	assert_string_equal(managed_name(MANAGED_BOTH), "both");
	unlink(path);
	for (size_t i = sizeof dirs / sizeof dirs[0]; i-- > 0;) {
		snprintf(path, sizeof path, "%s%s", home, dirs[i]);
		rmdir(path);
	}
	rmdir(home);
}

static void facts(void **state)
{
	static const char line[] =
	    "event=action_done user=alice action=\"status\" now=/opt/t3 current=0.0.28 last_good=\"\"";
	char value[32];

	(void)state;
	assert_true(outcome_fact(line, "current", value, sizeof value));
	assert_string_equal(value, "0.0.28");
	assert_true(outcome_fact(line, "now", value, sizeof value));
	assert_string_equal(value, "/opt/t3");
	assert_true(outcome_fact(line, "last_good", value, sizeof value));
	assert_string_equal(value, "");
	assert_false(outcome_fact(line, "good", value, sizeof value));
	assert_false(outcome_fact(line, "candidate", value, sizeof value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_a_version), cmocka_unit_test(in_order),   cmocka_unit_test(of_a_channel),
	    cmocka_unit_test(printed),      cmocka_unit_test(guarded),    cmocka_unit_test(in_the_window),
	    cmocka_unit_test(filled_in),    cmocka_unit_test(runs_below), cmocka_unit_test(enabled),
	    cmocka_unit_test(facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
