/* SPDX-License-Identifier: MIT */
/* Who could run a program, by the modes on the way to it. */
#include "helper/access.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OTHER 4242 /* an account that owns nothing here */

struct place {
	char dir[64], program[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	int fd;

	strcpy(p->dir, "/tmp/t3ops-access.XXXXXX");
	if (!p || !mkdtemp(p->dir))
		return -1;
	snprintf(p->program, sizeof p->program, "%s/program", p->dir);
	fd = open(p->program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	close(fd);
	*state = p;
	return fd < 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	chmod(p->dir, 0700);
	unlink(p->program);
	rmdir(p->dir);
	free(p);
	return 0;
}

/* The owner, somebody of its group, and somebody else. */
static void test_modes(void **state)
{
	static const struct {
		mode_t dir, program;
		int owner, group, other;
	} cases[] = {
	    {0755, 0755, 0, 0, 0},
	    {0755, 0644, -EACCES, -EACCES, -EACCES},
	    {0755, 0700, 0, -EACCES, -EACCES},
	    {0700, 0755, 0, -EACCES, -EACCES},
	    {0711, 0711, 0, 0, 0},
	    {0750, 0750, 0, 0, -EACCES},
	    {0701, 0755, 0, -EACCES, 0}, /* the group's bits count for the group, be they fewer */
	    {0755, 0677, -EACCES, 0, 0},
	};
	const struct place *p = *state;
	gid_t group = getegid(), no_group = OTHER;
	/* root enters and runs what anybody may; here the owner is a plain account */
	const struct account group_member = {OTHER, &group, 1}, other = {OTHER, &no_group, 1};
	char at[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct account owner = {geteuid(), &group, 1};

		assert_int_equal(chmod(p->program, cases[i].program), 0);
		assert_int_equal(chmod(p->dir, cases[i].dir), 0);
		if (geteuid() != 0)
			assert_int_equal(account_can_run(&owner, p->program, at, sizeof at), cases[i].owner);
		assert_int_equal(account_can_run(&group_member, p->program, at, sizeof at), cases[i].group);
		assert_int_equal(account_can_run(&other, p->program, at, sizeof at), cases[i].other);
	}
}

static void test_what_is_in_the_way(void **state)
{
	const struct place *p = *state;
	const struct account other = {.uid = OTHER};
	char at[256];

	assert_int_equal(chmod(p->program, 0755), 0);
	assert_int_equal(chmod(p->dir, 0700), 0);
	assert_int_equal(account_can_run(&other, p->program, at, sizeof at), -EACCES);
	assert_string_equal(at, p->dir);
	assert_int_equal(chmod(p->dir, 0755), 0);
	assert_int_equal(chmod(p->program, 0700), 0);
	assert_int_equal(account_can_run(&other, p->program, at, sizeof at), -EACCES);
	assert_string_equal(at, p->program);
	assert_int_equal(account_can_run(&other, p->dir, at, sizeof at), -EISDIR);
	assert_int_equal(account_can_run(&other, "/no/such/program", at, sizeof at), -ENOENT);
}

static void test_root(void **state)
{
	const struct place *p = *state;
	const struct account root = {.uid = 0};
	char at[256];

	assert_int_equal(chmod(p->dir, 0700), 0);
	assert_int_equal(chmod(p->program, 0600), 0);
	assert_int_equal(account_can_run(&root, p->program, at, sizeof at), -EACCES);
	assert_int_equal(chmod(p->program, 0601), 0);
	assert_int_equal(account_can_run(&root, p->program, at, sizeof at), 0);
}

static void test_accounts(void **state)
{
	struct account a;
	char at[256];

	(void)state;
	assert_int_equal(account_of(&a, "no such account"), -ENOENT);
	assert_int_equal(account_of(&a, "nobody"), 0);
	assert_true(a.uid != 0 && a.n_groups > 0);
	assert_int_equal(account_can_run(&a, "/bin/sh", at, sizeof at), 0);
	account_fini(&a);
	assert_int_equal(account_self(&a), 0);
	assert_int_equal(a.uid, geteuid());
	assert_true(a.n_groups > 0);
	account_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_is_in_the_way, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_root, setup, teardown),
	    cmocka_unit_test(test_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
