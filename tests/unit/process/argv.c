/* SPDX-License-Identifier: MIT */
/* Command lines with a user filled in. */
#include "process/argv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct user alice = {
    .name = "alice@example.org", .os_user = "alice", .home = "/home/alice", .port = 3773};

static void expansion(void **state)
{
	static const struct {
		const char *item, *want;
		int error;
	} rows[] = {
	    {"/usr/bin/t3", "/usr/bin/t3", 0},
	    {"%h/.t3", "/home/alice/.t3", 0},
	    {"%u:%p:%n", "alice:3773:alice@example.org", 0},
	    {"100%%", "100%", 0},
	    {"", "", 0},
	    {"$(id); `id` | x", "$(id); `id` | x", 0}, /* nobody interprets it */
	    {"%x", NULL, EINVAL},
	    {"%", NULL, EINVAL},
	    {"a%", NULL, EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *items[] = {(char *)(uintptr_t) "/bin/x", (char *)(uintptr_t)rows[i].item};
		struct text_list list = {items, 2};
		char **argv = argv_expand(&list, &alice);

		if (rows[i].want) {
			assert_non_null(argv);
			assert_string_equal(argv[1], rows[i].want);
			assert_null(argv[2]);
		} else {
			assert_null(argv);
			assert_int_equal(errno, rows[i].error);
		}
		argv_free(argv);
	}
}

static void what_a_user_lacks(void **state)
{
	struct user nobody = {.name = "bob", .host = "10.0.0.1", .port = 1};
	char *items[] = {(char *)(uintptr_t) "/bin/x", (char *)(uintptr_t) "%h/.t3"};
	struct text_list list = {items, 2};

	(void)state;
	assert_null(argv_expand(&list, &nobody));
	assert_int_equal(errno, ENOENT);
}

static void limits(void **state)
{
	char *items[500], **argv;
	struct text_list none = {0}, many = {items, 500};

	(void)state;
	assert_null(argv_expand(&none, &alice));
	for (int i = 0; i < 500; i++)
		items[i] = (char *)(uintptr_t) "%u";
	argv = argv_expand(&many, &alice);
	assert_non_null(argv);
	assert_string_equal(argv[499], "alice");
	assert_null(argv[500]);
	argv_free(argv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(expansion), cmocka_unit_test(what_a_user_lacks),
	                                   cmocka_unit_test(limits)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
