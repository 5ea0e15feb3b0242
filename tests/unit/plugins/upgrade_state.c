/* SPDX-License-Identifier: MIT */
/* What is known of a user's program: kept, locked, damaged; frozen and rejected, until when and over what. */
#include "upgrade/state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"

struct fixture {
	char base[64], file[96];
	struct state s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char dir[80], why[300];

	PATH(f->base, "/tmp/state.XXXXXX");
	assert_non_null(mkdtemp(f->base));
	PATH(dir, "%s/alice", f->base);
	PATH(f->file, "%s/state.json", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(state_open(&f->s, f->base, "alice", why, sizeof why), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	state_close(&f->s);
	file_tree_remove(f->base);
	free(f);
	return 0;
}

/* Saved, closed and read again. */
static void again(struct fixture *f)
{
	char why[300] = "";

	if (state_save(&f->s, why, sizeof why) < 0)
		fail_msg("%s", why);
	state_close(&f->s);
	if (state_open(&f->s, f->base, "alice", why, sizeof why) < 0)
		fail_msg("%s", why);
}

static void test_kept(void **state)
{
	struct fixture *f = *state;
	char prefix[PATH_MAX];

	assert_string_equal(state_text(&f->s, "phase"), "");
	assert_int_equal(link_read(&f->s, prefix), -ENOENT);
	json_object_set_new(f->s.all, "phase", json_string("stopped"));
	assert_int_equal(link_set(&f->s, "/opt/t3/1"), 0);
	assert_int_equal(link_set(&f->s, "/opt/t3/2"), 0);
	again(f);
	assert_string_equal(state_text(&f->s, "phase"), "stopped");
	assert_int_equal(link_read(&f->s, prefix), 0);
	assert_string_equal(prefix, "/opt/t3/2");
}

static void test_one_at_a_time(void **state)
{
	struct fixture *f = *state;
	char why[300] = "";
	struct state other;

	assert_int_equal(state_open(&other, f->base, "alice", why, sizeof why), -EBUSY);
	assert_non_null(strstr(why, f->s.dir));
	state_close(&other);
	assert_int_equal(state_open(&other, f->base, "bob", why, sizeof why), -ENOENT);
	assert_non_null(strstr(why, "/bob: No such file"));
	state_close(&other);
}

/* It may be all that is known of a rollout: never taken for nothing. */
static void test_damaged(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"phase\":\"stopped\"", "\0\0\0\0"};
	struct fixture *f = *state;
	char why[300];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		state_close(&f->s);
		file_write(f->file, texts[i], i < 4 ? strlen(texts[i]) : 4);
		why[0] = '\0';
		assert_int_equal(state_open(&f->s, f->base, "alice", why, sizeof why), -EBADMSG);
		assert_non_null(strstr(why, "cannot be read: look at it, then mend or remove it"));
	}
	state_close(&f->s);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_int_equal(state_open(&f->s, f->base, "alice", why, sizeof why), -EBADMSG);
	state_close(&f->s);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(symlink("/etc/passwd", f->file), 0);
	assert_int_equal(state_open(&f->s, f->base, "alice", why, sizeof why), -EBADMSG);
}

static void test_frozen(void **state)
{
	static const struct {
		const char *frozen; /* NULL: state_freeze is called */
		long long until_s, now_s;
		const char *why; /* NULL: it is not frozen */
	} cases[] = {
	    {NULL, 0, 1000, "holidays"},
	    {NULL, 1001, 1000, "holidays"},
	    {NULL, 1000, 1000, NULL},
	    {"{\"why\":\"by hand\"}", 0, 1000, "by hand"},
	    {"{}", 0, 1000, "no reason is known"}, /* whoever wrote it meant something */
	    {"true", 0, 1000, "no reason is known"},
	    {"{\"why\":7,\"until\":\"tomorrow\"}", 0, 1000, "no reason is known"},
	};
	struct fixture *f = *state;

	assert_null(state_frozen(&f->s, 1000));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (cases[i].frozen != NULL)
			json_object_set_new(f->s.all, "frozen", json_loads(cases[i].frozen, JSON_DECODE_ANY, NULL));
		else
			state_freeze(&f->s, "holidays", 900, cases[i].until_s);
		again(f);
		if (cases[i].why == NULL)
			assert_null(state_frozen(&f->s, cases[i].now_s));
		else
			assert_string_equal(state_frozen(&f->s, cases[i].now_s), cases[i].why);
	}
}

static void test_rejected(void **state)
{
	struct fixture *f = *state;

	assert_null(state_rejected(&f->s, "/opt/t3/1"));
	state_reject(&f->s, "/opt/t3/1", "it does not pair", 1000);
	state_reject(&f->s, "/opt/t3/2", "it crashes", 1000);
	state_reject(&f->s, "/opt/t3/2", "it hangs", 2000);
	again(f);
	assert_string_equal(state_rejected(&f->s, "/opt/t3/1"), "it does not pair");
	assert_string_equal(state_rejected(&f->s, "/opt/t3/2"), "it hangs");
	state_pardon(&f->s, "/opt/t3/1");
	state_pardon(&f->s, "/opt/t3/3");
	again(f);
	assert_null(state_rejected(&f->s, "/opt/t3/1"));
	assert_string_equal(state_rejected(&f->s, "/opt/t3/2"), "it hangs");
}

/* Reasons are what a server printed, cut off somewhere: not always text. */
static void test_reasons_that_are_no_text(void **state)
{
	struct fixture *f = *state;

	state_reject(&f->s, "/opt/t3/1", "\xe2\x9c caf\xe9", 1000);
	state_freeze(&f->s, "half a \xe2\x9c", 1000, 0);
	again(f);
	assert_string_equal(state_rejected(&f->s, "/opt/t3/1"), "?? caf?");
	assert_string_equal(state_frozen(&f->s, 1000), "half a ??");
	state_reject(&f->s, "/opt/t3/1", "\xe2\x9c\x96 it fails", 1000);
	again(f);
	assert_string_equal(state_rejected(&f->s, "/opt/t3/1"), "\xe2\x9c\x96 it fails");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {CASE(test_kept),     CASE(test_one_at_a_time),
	                                   CASE(test_damaged),  CASE(test_frozen),
	                                   CASE(test_rejected), CASE(test_reasons_that_are_no_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
