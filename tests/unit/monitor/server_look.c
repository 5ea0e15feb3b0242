/* SPDX-License-Identifier: MIT */
/* The programs of a server that does not answer: which are its, and what of their arguments may be told. */
#include "monitor/server_look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/argv_words.h"

static void whose(void **state)
{
	static const struct {
		const char *cgroup, *user;
		bool is;
	} cases[] = {
	    {"0::/system.slice/system-t3\\x2dserve.slice/t3-serve@alice.service\n", "alice", true},
	    {"0::/system.slice/t3-serve@alice.service/agents\n", "alice", true},
	    {"0::/system.slice/t3-serve@alice.service\n", "alic", false},
	    {"0::/system.slice/t3-serve@alice.service\n", "alices", false},
	    {"0::/system.slice/t3-serve@a\\x2db.service\n", "a-b", true},
	    {"0::/system.slice/t3-serve@a\\x2db.service\n", "a\\x2db", false},
	    {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/t3@bob.service\n", "bob", true},
	    {"0::/alice.service\n", "alice", false},
	    {"0::/t3-serve@alice\n", "alice", false},
	    {"0::/t3-serve@\\x.service\n", "alice", false},
	    {"0::/t3-serve@.service\n", "alice", false},
	    {"", "alice", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (server_look_is_of(cases[i].cgroup, cases[i].user) != cases[i].is)
			fail_msg("%s of %s", cases[i].user, cases[i].cgroup);
}

static void nothing_secret(void **state)
{
	static const struct {
		size_t n;
		char argv[160];
		const char *words;
	} cases[] = {
	    {18, "node\0serve\0--port\0", "node serve --port"},
	    {24, "/usr/bin/t3\0serve\0--yes\0", "/usr/bin/t3 serve --yes"},
	    {19, "t3\0--token\0abc\0-v\0x\0", "t3 --token ... -v ..."},
	    {26, "sshpass\0-p\0hunter2\0ssh\0-v\0", "sshpass -p ... ssh -v"},
	    {28, "mysql\0-phunter2\0-uroot\0t3db\0", "mysql -p... -u... t3db"},
	    {26, "x\0--password\0-hunter2\0run\0", "x --password -h... run"},
	    {21, "t3\0--api-key=abc\0run\0", "t3 --api-key=... run"},
	    {13, "t3\0A_TOKEN=x\0", "t3 ..."},
	    {36, "curl\0https://a:b@example.com/x?y=z\0", "curl ..."},
	    {20, "claude\0-p\0fix a bug\0", "claude -p ..."},
	    {22, "t3\0Zm9vYmFyYmF6MTIzNA\0", "t3 ..."},
	    {35, "t3\0abcdefghijklmnopqrstuvwxyzabcde\0", "t3 ..."},
	    {17, "t3\0--pass\0-v\0abc\0", "t3 --pass -v ..."},
	    {23, "node\0--max-old\0abc\0-\0x\0", "node --max-old abc - x"},
	    {6, "bash\0", "bash"},
	    {0, "", ""},
	    {4, "bash", "bash"},
	};
	char out[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		argv_words(cases[i].argv, cases[i].n, out, sizeof out);
		assert_string_equal(out, cases[i].words);
	}
}

static void long_lists_end(void **state)
{
	char argv[400], out[200];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 100; i++, n += 2)
		memcpy(argv + n, "a", 2);
	argv_words(argv, n, out, sizeof out);
	assert_string_equal(out, "a a a a a a a a a a a a ...");
	argv_words(argv, n, out, 8);
	assert_true(strlen(out) < 8);
}

/* ---- as the kernel shows them -------------------------------------------------------------------------- */

static void put(const char *dir, unsigned pid, const char *name, const char *bytes, size_t n)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof path, "%s/%u", dir, pid);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/%u/%s", dir, pid, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void program_put(const char *dir, unsigned pid, const char *cgroup, const char *argv, size_t n)
{
	static const char stat[] = "7 (a) b) D 1 7 7 0 -1 4194304 1 0 0 0 100 50 0 0 20 0 1 0 100 1000000 250 1 1\n";

	put(dir, pid, "cgroup", cgroup, strlen(cgroup));
	put(dir, pid, "stat", stat, strlen(stat));
	put(dir, pid, "cmdline", argv, n);
}

static void remove_all(const char *dir)
{
	char command[200];
	int r;

	snprintf(command, sizeof command, "rm -r '%s'", dir);
	r = system(command);
	assert_int_equal(r, 0);
}

struct told {
	char text[1000];
	size_t n;
};

static void on_told(void *arg, const char *pairs, uint64_t now_us)
{
	struct told *told = arg;

	(void)now_us;
	told->n++;
	snprintf(told->text, sizeof told->text, "%s", pairs);
}

static void a_server(void **state)
{
	char dir[] = "/tmp/t3ops-look.XXXXXX";
	struct ev_loop *loop = ev_loop_new(0);
	struct told told = {.n = 0};
	struct server_look *look;

	(void)state;
	assert_non_null(mkdtemp(dir));
	program_put(dir, 12, "0::/t3-serve@alice.service\n", "node\0serve\0--token\0abc", 22);
	program_put(dir, 13, "0::/t3-serve@bob.service\n", "node\0bobs", 9);
	program_put(dir, 14, "0::/init.scope\n", "init", 4);
	look = server_look_new(loop, dir, on_told, &told);
	server_look_ask(look, "alice", 1000000);
	server_look_ask(look, "bob", 1000001); /* one after the other */
	ev_run(loop, 0);
	server_look_ask(look, "alice", 1000002); /* and not again so soon */
	ev_run(loop, 0);
	assert_int_equal(told.n, 1);
	assert_ptr_equal(strstr(told.text, " user=alice pid=12 state=D cpu=0.00 rss_bytes="), told.text);
	assert_non_null(strstr(told.text, " argv=\"node serve --token ...\""));
	server_look_free(look);
	ev_loop_destroy(loop);
	remove_all(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whose),
	    cmocka_unit_test(nothing_secret),
	    cmocka_unit_test(long_lists_end),
	    cmocka_unit_test(a_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
