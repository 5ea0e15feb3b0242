/* SPDX-License-Identifier: MIT */
/* Public paths: every way in which a proxy may read one. */
#include "proxy/public_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *path;
	bool is_public;
} rows[] = {
    {"/probe", true},
    {"/probe/ws", true},
    {"/probes", true}, /* so is what a careless rule of the proxy lets through */
    {"/PROBE/ws", true},
    {"/out/a/b", true},
    {"/%70robe/ws", true},
    {"/%70%72%6f%62%65%2Fws", true},
    {"//probe/ws", true},
    {"/%2fprobe/ws", true},
    {"/./probe/ws", true},
    {"/%2E/probe", true},
    {"/a/../probe/ws", true},
    {"/a%2f..%2Fprobe/ws", true},
    {"/a\\..\\probe", true},
    {"/a%5c..%5cprobe", true},
    {"/a/b/../../probe", true},
    {"/../../probe", true},
    {"/probe/../ws", true},   /* as it came */
    {"/%70robe/../ws", true}, /* decoded */
    {"/x/../probe/../../probe", true},
    {"/a%2fb/../probe/x", true}, /* one segment to whom a spelt slash is none */
    {"/a%2Fb/%2e%2E/probe/x", true},
    {"/a\\b/../probe/x", true},
    {"/", false},
    {"", false},
    {"*", false},
    {"/ws", false},
    {"/prob", false},
    {"/out", false},
    {"/a/probe", false},
    {"/%2570robe", false}, /* decoded once only */
    {"/%7", false},
    {"/%", false},
    {"/%zzprobe", false},
    {"/a/..", false},
    {"/a/.../probe", false},
    {"/.probe", false},
    {"/..probe", false},
    {"/a/./probe", false},
    {"/%00/probe", false},
};

static void table(void **state)
{
	char *items[] = {(char *)(uintptr_t) "/probe", (char *)(uintptr_t) "/out/a"};
	struct text_list prefixes = {items, 2};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (path_is_public((struct span){rows[i].path, strlen(rows[i].path)}, &prefixes) != rows[i].is_public)
			fail_msg("%s: expected %s", rows[i].path, rows[i].is_public ? "public" : "not public");
}

static void nothing_is_public(void **state)
{
	struct text_list none = {0};

	(void)state;
	assert_false(path_is_public((struct span){"/probe", 6}, &none));
	assert_false(path_is_public((struct span){"/%70robe", 8}, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(nothing_is_public)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
