/* SPDX-License-Identifier: MIT */
/* The user table in both forms, its errors with their lines, and a file that changes and breaks. */
#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "users/user_snapshot.h"
#include "users/users.h"
#include "users/users_reader.h"

struct lab {
	char dir[64], path[96], pattern[96];
	struct ev_loop *loop;
	struct users *users;
	int changes, broken, portless, ever_broken;
	size_t before, now;
	char why[400];
	struct user_snapshot *snapshot;
	int snapshot_fd;
};

static void file_write(const char *path, const char *text)
{
	char fresh[128];
	FILE *f;

	snprintf(fresh, sizeof fresh, "%s.new", path);
	f = fopen(fresh, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(fresh, path), 0);
}

static void env_write(const struct lab *lab, const char *os_user, const char *text)
{
	char path[160];

	snprintf(path, sizeof path, "%s/%s.env", lab->dir, os_user);
	file_write(path, text);
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof *lab);
	char path[160];

	snprintf(lab->dir, sizeof lab->dir, "/tmp/t3ops-users.XXXXXX");
	if (!mkdtemp(lab->dir))
		return -1;
	snprintf(lab->path, sizeof lab->path, "%s/map", lab->dir);
	snprintf(lab->pattern, sizeof lab->pattern, "%s/%%u.env", lab->dir);
	env_write(lab, "alice", "# t3\nT3_HOST=x\nT3_PORT=3773\n");
	env_write(lab, "root", "T3_PORT=1\nT3_PORT=\"3774\"\n");
	env_write(lab, "empty", "T3_POTR=3773\n");
	env_write(lab, "wild", "T3_PORT=99999\n");
	env_write(lab, "huge", "T3_PORT=3773\n");
	env_write(lab, "both", "T3_PORT=3773\nT3_SOCKET=/run/both/s\n");
	env_write(lab, "sock", "T3_SOCKET=\"/run/sock/s\"\n");
	env_write(lab, "bent", "T3_PORT=3773\nT3_SOCKET=s\n");
	snprintf(path, sizeof path, "%s/huge.env", lab->dir);
	assert_int_equal(truncate(path, 1 << 30), 0);
	snprintf(path, sizeof path, "%s/fifo.env", lab->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"map",      "alice.env", "root.env", "empty.env", "wild.env", "huge.env",
	                                    "fifo.env", "bob.env",   "both.env", "sock.env",  "bent.env"};
	struct lab *lab = *state;

	users_free(lab->users);
	snapshot_free(lab->snapshot);
	if (lab->snapshot)
		close(lab->snapshot_fd);
	if (lab->loop)
		ev_loop_destroy(lab->loop);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[160];

		snprintf(path, sizeof path, "%s/%s", lab->dir, names[i]);
		unlink(path);
	}
	rmdir(lab->dir);
	free(lab);
	return 0;
}

struct table_case {
	const char *text;
	const char *rows; /* "name os_user host port;" sorted, port 0: its env file gives none; NULL: refused */
	int faults;
	const char *why; /* part of it */
};

static const struct table_case cases[] = {
    {"\n# nobody yet\n  \n", "", 0, NULL},
    {"anna=alice\n", "anna alice 127.0.0.1 3773;", 0, NULL},
    {"zoe=alice\r\nanna=root", "anna root 127.0.0.1 3774;zoe alice 127.0.0.1 3773;", 0, NULL},
    {"  anna=alice  ", "anna alice 127.0.0.1 3773;", 0, NULL},
    {"anna = alice\n", "anna alice 127.0.0.1 3773;", 0, NULL},
    {"anna=alice # the boss\n; old\n", "anna alice 127.0.0.1 3773;", 0, NULL},
    {"anna=alice\t;the boss\n", "anna alice 127.0.0.1 3773;", 0, NULL},
    {"\ufeffanna=alice\nzoe=root\n", "anna alice 127.0.0.1 3773;zoe root 127.0.0.1 3774;", 0, NULL},
    {"anna=10.0.0.7:3773", "anna  10.0.0.7 3773;", 0, NULL},
    {"anna=[::1]:3773", "anna  ::1 3773;", 0, NULL},
    {"anna=alice@10.0.0.7:99", "anna alice 10.0.0.7 99;", 0, NULL},
    {"anna@example.com=alice", "anna@example.com alice 127.0.0.1 3773;", 0, NULL},
    {"an na=alice", "an na alice 127.0.0.1 3773;", 0, NULL},
    {"{\"John Doe\":{\"port\":5},\"CORP\\\\john\":{\"port\":6}}", "CORP\\john  127.0.0.1 6;John Doe  127.0.0.1 5;", 0,
     NULL},
    {"{\"anna\":{\"os_user\":\"alice\",\"port\":5}}", "anna alice 127.0.0.1 5;", 0, NULL},
    {" {\"anna\":{\"os_user\":\"alice\"}, \"b\":{\"port\":7,\"host\":\"::1\"}}",
     "anna alice 127.0.0.1 3773;b  ::1 7;", 0, NULL},
    {"{}", "", 0, NULL},
    /* Unix sockets, and the port beside one */
    {"anna=unix:/run/a/s", "anna  127.0.0.1 0/run/a/s;", 0, NULL},
    {"anna=unix:/run/a@b/s", "anna  127.0.0.1 0/run/a@b/s;", 0, NULL},
    {"anna=alice@unix:/run/a/s # hers", "anna alice 127.0.0.1 0/run/a/s;", 0, NULL},
    {"anna=alice@unix:/run/a/s,3773", "anna alice 127.0.0.1 3773/run/a/s;", 0, NULL},
    {"anna=alice@unix:/run/a/s,[::1]:3773", "anna alice ::1 3773/run/a/s;", 0, NULL},
    {"anna=both", "anna both 127.0.0.1 3773/run/both/s;", 0, NULL},
    {"anna=sock", "anna sock 127.0.0.1 0/run/sock/s;", 0, NULL},
    {"{\"anna\":{\"socket\":\"/run/a/s\"}}", "anna  127.0.0.1 0/run/a/s;", 0, NULL},
    {"{\"anna\":{\"socket\":\"/run/a/s\",\"os_user\":\"alice\",\"port\":5}}", "anna alice 127.0.0.1 5/run/a/s;", 0,
     NULL},
    {"anna=unix:run/a\nzoe=alice", "zoe alice 127.0.0.1 3773;", 1, "nor unix:PATH"},
    {"anna=unix:/run/a,port\nzoe=alice", "zoe alice 127.0.0.1 3773;", 1, "nor unix:PATH"},
    {"anna=alice@unix:s\nzoe=alice", "zoe alice 127.0.0.1 3773;", 1, "or OS_USER@unix:PATH"},
    {"anna=unix:/1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "123456789\nzoe=alice",
     "zoe alice 127.0.0.1 3773;", 1, "nor unix:PATH"},
    {"anna=bent", "anna bent 127.0.0.1 3773;", 1, "T3_SOCKET is not the absolute path"},
    {"anna=unix:/run/a/s\nzoe=unix:/run/a/s", "anna  127.0.0.1 0/run/a/s;zoe  127.0.0.1 0/run/a/s;", 1,
     "anna and zoe share /run/a/s"},
    {"{\"anna\":{\"socket\":\"run\"}}", NULL, 0, "socket is not an absolute path"},
    /* rows without a port, and the first of them */
    {"zoe=alice\nbert=empty\nanna=ghost", "anna ghost 127.0.0.1 0;bert empty 127.0.0.1 0;zoe alice 127.0.0.1 3773;",
     2, "line 2: "},
    {"anna=ghost", "anna ghost 127.0.0.1 0;", 1, "line 1: no port for ghost"},
    {"anna=ghost", "anna ghost 127.0.0.1 0;", 1, "; there is no such account here"},
    {"anna=empty", "anna empty 127.0.0.1 0;", 1, "empty.env has no T3_PORT="},
    {"anna=fifo", "anna fifo 127.0.0.1 0;", 1, "Invalid argument"}, /* nobody writes there, and nobody waits for it */
    {"anna=huge", "anna huge 127.0.0.1 0;", 1, "File too large"},
    {"anna=wild", "anna wild 127.0.0.1 0;", 1, "T3_PORT is \"99999\"; expected 1 to 65535"},
    {"{\"anna\":{\"os_user\":\"ghost\"}}", "anna ghost 127.0.0.1 0;", 1, "anna: no port for ghost"},
    /* rows that say nothing cost their own users only */
    {"anna=alice\nanna", "anna alice 127.0.0.1 3773;", 1, "line 2: \"anna\" has no ="},
    {"anna=alice\nbob==\nzoe=root\n", "anna alice 127.0.0.1 3773;zoe root 127.0.0.1 3774;", 1, "line 2: "},
    {"zoe=alice\n=alice", "zoe alice 127.0.0.1 3773;", 1, "line 2: the name before ="},
    {"zoe=alice\nanna=", "zoe alice 127.0.0.1 3773;", 1, "line 2: "},
    {"zoe=alice\nanna=example.com:80", "zoe alice 127.0.0.1 3773;", 1, "line 2: "},
    {"zoe=alice\nanna=alice@host:80", "zoe alice 127.0.0.1 3773;", 1, "is not OS_USER@ADDRESS:PORT"},
    {"zoe=alice\nanna=10.0.0.1:0", "zoe alice 127.0.0.1 3773;", 1, "line 2: "},
    {"zoe=alice\nanna=10.0.0.1:65536", "zoe alice 127.0.0.1 3773;", 1, "line 2: "},
    {"zoe=alice\nanna=../../etc/passwd", "zoe alice 127.0.0.1 3773;", 1, "line 2: "},
    {"zoe=alice\n../x=root", "zoe alice 127.0.0.1 3773;", 1, "cannot be a user's name"},
    {"{\"zoe\":{\"port\":1},\"anna\":{}}", "zoe  127.0.0.1 1;", 1, "neither port nor socket nor os_user"},
    {"{\"zoe\":{\"port\":1},\"anna\":{\"os_usr\":\"alice\",\"port\":2}}", "zoe  127.0.0.1 1;", 1,
     "\"anna\": unknown key \"os_usr\"; did you mean \"os_user\"?"},
    /* names that fold to one */
    {"zoe=alice\nanna=root\nAnna=root", "zoe alice 127.0.0.1 3773;", 1,
     "line 3: \"Anna\" is the same name as \"anna\" before it; neither is used"},
    {"zoe=alice\nanna=root\nAnna=root\nANNA=root", "zoe alice 127.0.0.1 3773;", 2, "line 3: "},
    /* doubts */
    {"anna=alice\nbert=alice", "anna alice 127.0.0.1 3773;bert alice 127.0.0.1 3773;", 1,
     "line 2: anna and bert share 127.0.0.1 port 3773"},
    {"alice=10.0.0.1:1\nal\u200bice=10.0.0.1:2", "alice  10.0.0.1 1;al\u200bice  10.0.0.1 2;", 2,
     "holds an invisible character"},
    {"alice=10.0.0.1:1\n\u0430lice=10.0.0.1:2", "alice  10.0.0.1 1;\u0430lice  10.0.0.1 2;", 1, "looks like"},
    {"al1ce=10.0.0.1:1\nalIce=10.0.0.1:2\nbob=10.0.0.1:3", "al1ce  10.0.0.1 1;alIce  10.0.0.1 2;bob  10.0.0.1 3;", 1,
     "\"alIce\" looks like \"al1ce\""},
    {"{\"John Doe\":{\"port\":1}}", "John Doe  127.0.0.1 1;", 0, NULL},
    {"{\"CORP\\\\john\":{\"port\":1}}", "CORP\\john  127.0.0.1 1;", 0, NULL},
    {"{\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\":{\"port\":1}}",
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  127.0.0.1 1;", 0, NULL},
    {"zoe=10.0.0.1:1\nJ\xf6rg=10.0.0.1:2", "zoe  10.0.0.1 1;", 1, "it is not UTF-8"},
    {"zoe=10.0.0.1:1\na\xc2\x85"
     "b=10.0.0.1:2",
     "zoe  10.0.0.1 1;", 1, "it holds a control character"},
    /* no table at all */
    {"", NULL, 0, "the file is empty"},
    {" \n\n", NULL, 0, "the file is empty"},
    {"anna", NULL, 0, "line 1: \"anna\" has no ="},
    {"anna=alice\nanna=alice", NULL, 0, "neither is used"},
    {"{\"anna\":{\"os_user\":\"alice\"}", NULL, 0, "line 1, column "},
    {"{\"anna\":{\"port\":5},}", NULL, 0, "line 1, column "},
    {"{\"anna\":5}", NULL, 0, "neither port nor socket nor os_user"},
    {"{\"anna\":{\"port\":\"5\"}}", NULL, 0, "port is not a number"},
    {"{\"anna\":{\"port\":70000}}", NULL, 0, "port is not a number"},
    {"{\"anna\":{\"port\":5,\"host\":\"x\"}}", NULL, 0, "is not a numeric address"},
    {"{\"anna\":{\"port\":5},\"anna\":{\"port\":6}}", NULL, 0, "line 1, column "},
    {"{\"a/b\":{\"port\":5}}", NULL, 0, "cannot be a user's name"},
    {"{\"anna\":{\"port\":5,\"os_user\":\"-x\"}}", NULL, 0, "cannot be an account's name"},
};

static void rows_print(const struct user_list *l, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < l->n; i++)
		used += (size_t)snprintf(out + used, size - used, "%s %s %s %u%s;", l->rows[i].name,
		                         l->rows[i].os_user, l->rows[i].host, l->rows[i].port, l->rows[i].socket);
}

static void test_tables(void **state)
{
	const struct lab *lab = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct table_case *c = &cases[i];
		struct user_list l;
		char rows[1000], why[300] = "";
		int r = user_list_parse(&l, c->text, strlen(c->text), lab->pattern, 0, why, sizeof why);

		rows_print(&l, rows, sizeof rows);
		if (r != (c->rows ? c->faults : -EINVAL) || strcmp(rows, c->rows ? c->rows : "") != 0)
			fail_msg("<%s>: %d <%s> \"%s\"", c->text, r, rows, why);
		if (c->why && !strstr(why, c->why))
			fail_msg("<%s>: \"%s\" does not say \"%s\"", c->text, why, c->why);
		user_list_fini(&l);
	}
}

static void test_names_by_any_case(void **state)
{
	static const struct {
		const char *identity, *name; /* NULL: nobody */
	} rows[] = {
	    {"anna", "anna"}, {"ANNA", "anna"}, {"Jörg", "Jörg"}, {"JÖRG", "Jörg"},
	    {"jörg", "Jörg"}, {"ИВАН", "Иван"}, {"ann", NULL},    {"annas", NULL},
	    {"ÄB", "ÄB"},     {"äb", "äb"},     {"Äb", NULL}, /* either could be meant */
	    {"", NULL},
	};
	const char text[] = "anna=10.0.0.1:1\nJörg=10.0.0.1:2\nИван=10.0.0.1:3\nÄB=10.0.0.1:4\näb=10.0.0.1:5\n";
	const struct lab *lab = *state;
	struct user_list l;
	char why[300] = "";

	assert_int_equal(user_list_parse(&l, text, strlen(text), lab->pattern, 0, why, sizeof why), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct user *u = user_list_find_folded(&l, rows[i].identity);

		if ((u != NULL) != (rows[i].name != NULL) || (u && strcmp(u->name, rows[i].name) != 0))
			fail_msg("%s: %s", rows[i].identity, u ? u->name : "nobody");
	}
	user_list_fini(&l);
}

static void test_as_many_as_there_are(void **state)
{
	const struct lab *lab = *state;
	size_t len = 0, users = 20000;
	char *text = malloc(users * 40), why[300] = "";
	struct user_list l;

	for (size_t i = 0; i < users; i++)
		len += (size_t)sprintf(text + len, "u%zu=10.%zu.%zu.1:1\n", i, i / 200, i % 200);
	len += (size_t)sprintf(text + len, "U7=10.0.0.2:1\nlast=10.0.9.1:1\n");
	assert_int_equal(user_list_parse(&l, text, len, lab->pattern, 0, why, sizeof why), 2);
	assert_int_equal(l.n, users);
	assert_null(user_list_find(&l, "u7"));
	assert_non_null(user_list_find(&l, "u19999"));
	assert_string_equal(l.faults[1], "line 20002: u9 and last share 10.0.9.1 port 1");
	user_list_fini(&l);
	free(text);
}

static void test_nul(void **state)
{
	const struct lab *lab = *state;
	struct user_list l;
	char why[300];

	assert_int_equal(user_list_parse(&l, "a=alice\nb=\0\n", 12, lab->pattern, 0, why, sizeof why), 1);
	assert_non_null(strstr(why, "line 2: holds a NUL byte"));
	user_list_fini(&l);
}

static void test_find_and_home(void **state)
{
	const struct lab *lab = *state;
	const struct passwd *root = getpwnam("root");
	struct user_list l;
	char why[300], longest[200];

	assert_int_equal(user_list_parse(&l, "r=root\na=alice\nm=alice", 22, lab->pattern, 0, why, sizeof why),
	                 1); /* m shares */
	assert_string_equal(user_list_find(&l, "r")->home, root ? root->pw_dir : "");
	assert_null(user_list_find(&l, "R"));
	assert_null(user_list_find(&l, ""));
	memset(longest, 'r', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(user_list_find(&l, longest));
	user_list_fini(&l);
	assert_null(user_list_find(&l, "r"));
}

static void test_every_row_at_fault_is_named(void **state)
{
	static const char text[] = "a=alice\nb\nc=\nd=alice@host:80\n";
	const struct lab *lab = *state;
	struct user_list l;
	char why[300];

	assert_int_equal(user_list_parse(&l, text, sizeof text - 1, lab->pattern, 0, why, sizeof why), 3);
	assert_int_equal(l.n_faults, 3);
	for (size_t i = 0; i < l.n_faults; i++) {
		char line[] = "line 2: ";

		line[5] = (char)('2' + i);
		assert_memory_equal(l.faults[i], line, strlen(line));
	}
	assert_string_equal(why, l.faults[0]);
	user_list_fini(&l);
	assert_int_equal(user_list_parse(&l, "b\nc\n", 4, lab->pattern, 0, why, sizeof why), -EINVAL);
	assert_int_equal(l.n, 0);
	assert_int_equal(l.n_faults, 2);
	user_list_fini(&l);
}

static void test_accounts(void **state)
{
	struct user u = {.name = "r", .os_user = "root", .home = "/root", .is_asked = true, .has_uid = true};
	char buf[160];

	(void)state;
	assert_non_null(strstr(user_account_fault(&u, buf, sizeof buf), "runs nothing as root"));
	strcpy(u.os_user, "no-such-account");
	u.has_uid = false;
	assert_non_null(strstr(user_account_fault(&u, buf, sizeof buf), "no such account"));
	u.is_asked = false; /* nobody can say */
	assert_null(user_account_fault(&u, buf, sizeof buf));
	strcpy(u.os_user, "nobody");
	u.is_asked = u.has_uid = true;
	u.uid = 65534;
	assert_null(user_account_fault(&u, buf, sizeof buf));
	u.os_user[0] = '\0'; /* its row names an address only */
	assert_null(user_account_fault(&u, buf, sizeof buf));
}

/* ---- the file on a loop ------------------------------------------------------------------------------ */

static void on_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	struct lab *lab = arg;

	lab->changes++;
	lab->before = before->n;
	lab->now = now->n;
}

static void on_state(void *arg, enum users_state state, const char *why)
{
	struct lab *lab = arg;

	lab->ever_broken += state == USERS_BROKEN;
	lab->broken += state == USERS_BROKEN ? 1 : state == USERS_GOOD ? -1 : 0;
	lab->portless += state == USERS_PARTIAL;
	snprintf(lab->why, sizeof lab->why, "%s", why ? why : "");
}

/* The limit of 20 s is the slow poll's, twice. */
static void too_late(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	fail_msg("the change was not seen");
}

static void run_until(struct lab *lab, const int *counter, int value)
{
	struct ev_timer limit;

	ev_timer_init(&limit, too_late, 20., 0.);
	ev_timer_start(lab->loop, &limit);
	while (*counter != value)
		ev_run(lab->loop, EVRUN_ONCE);
	ev_timer_stop(lab->loop, &limit);
}

static struct users *users_of(struct lab *lab, bool must_read)
{
	struct users_source source = {
	    .path = lab->path, .env_pattern = lab->pattern, .snapshot = lab->snapshot, .must_read = must_read};

	struct users_reader *reader = users_reader_start(lab->loop, &source);

	assert_non_null(reader);
	while (!users_reader_has_result(reader))
		ev_run(lab->loop, EVRUN_ONCE);
	return users_new(reader, on_changed, on_state, lab);
}

static void users_begin(struct lab *lab)
{
	if (!lab->loop)
		lab->loop = ev_loop_new(EVFLAG_AUTO);
	lab->users = users_of(lab, false);
	assert_non_null(lab->users);
}

/* The process is another one now, and knows only what it was left. */
static void users_begin_again(struct lab *lab)
{
	users_free(lab->users);
	lab->changes = lab->broken = lab->portless = 0;
	users_begin(lab);
}

static void test_file_changes(void **state)
{
	struct lab *lab = *state;

	file_write(lab->path, "anna=alice\n");
	users_begin(lab);
	assert_int_equal(lab->changes, 1);
	assert_int_equal(users_find(lab->users, "anna")->port, 3773);
	file_write(lab->path, "anna=alice\nbert=10.0.0.1:5\n");
	run_until(lab, &lab->changes, 2);
	assert_int_equal(lab->before, 1);
	assert_int_equal(lab->now, 2);
	/* another port in an env file is a change, too */
	env_write(lab, "alice", "T3_PORT=4000\n");
	run_until(lab, &lab->changes, 3);
	assert_int_equal(users_find(lab->users, "anna")->port, 4000);
	assert_int_equal(users_list(lab->users)->n, 2);
}

static void test_file_breaks_and_heals(void **state)
{
	struct lab *lab = *state;

	file_write(lab->path, "anna=alice\n");
	users_begin(lab);
	file_write(lab->path, "{\"anna\":{},\n");
	run_until(lab, &lab->broken, 1);
	assert_non_null(strstr(lab->why, "line 2, column "));
	assert_non_null(strstr(lab->why, lab->path));
	assert_non_null(strstr(lab->why, "; the last valid table stays active"));
	assert_non_null(users_find(lab->users, "anna")); /* the last good one stays */
	assert_int_equal(lab->changes, 1);
	file_write(lab->path, "anna=alice\n");
	run_until(lab, &lab->broken, 0);
	assert_int_equal(lab->changes, 1);
	unlink(lab->path);
	run_until(lab, &lab->broken, 1);
	assert_non_null(users_find(lab->users, "anna"));
}

static void test_emptied_file_puts_nobody_out(void **state)
{
	struct lab *lab = *state;

	file_write(lab->path, "anna=alice\n");
	users_begin(lab);
	file_write(lab->path, "");
	run_until(lab, &lab->broken, 1);
	assert_non_null(strstr(lab->why, "the file is empty"));
	assert_non_null(users_find(lab->users, "anna"));
	file_write(lab->path, "{}"); /* this is how to say it */
	run_until(lab, &lab->changes, 2);
	assert_int_equal(users_list(lab->users)->n, 0);
	assert_int_equal(lab->broken, 0);
}

static void on_pause_end(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static void test_half_written_file_is_left_alone(void **state)
{
	struct lab *lab = *state;
	struct ev_timer pause;
	FILE *f;

	file_write(lab->path, "anna=alice\n");
	users_begin(lab);
	f = fopen(lab->path, "we");
	assert_non_null(f);
	assert_true(fputs("{\"anna\":", f) >= 0);
	fflush(f);
	env_write(lab, "alice", "T3_PORT=4000\n"); /* a reason to read the table */
	ev_timer_init(&pause, on_pause_end, 0.3, 0.);
	ev_timer_start(lab->loop, &pause);
	ev_run(lab->loop, 0);
	assert_true(fputs("{\"os_user\":\"alice\"}}", f) >= 0);
	assert_int_equal(fclose(f), 0);
	run_until(lab, &lab->changes, 2);
	assert_int_equal(lab->ever_broken, 0);
	assert_int_equal(users_find(lab->users, "anna")->port, 4000);
}

static void test_no_file_at_first(void **state)
{
	struct lab *lab = *state;

	users_begin(lab);
	assert_int_equal(lab->broken, 1);
	assert_int_equal(users_list(lab->users)->n, 0);
	assert_false(users_are_known(lab->users));
	assert_non_null(strstr(lab->why, "No such file or directory; there is no earlier table"));
	assert_null(strstr(strstr(lab->why, "there is no") + 1, "there is no"));
	file_write(lab->path, "anna=alice\n");
	run_until(lab, &lab->changes, 1);
	assert_int_equal(lab->broken, 0);
	assert_non_null(users_find(lab->users, "anna"));
	assert_true(users_are_known(lab->users));
}

/* Who is not in an empty table is known to be nobody, and somebody may wait to be reported. */
static void test_first_table_is_told_even_if_empty(void **state)
{
	struct lab *lab = *state;

	users_begin(lab);
	file_write(lab->path, "# nobody\n");
	run_until(lab, &lab->changes, 1);
	assert_true(users_are_known(lab->users));
}

/* ---- what outlives a process ------------------------------------------------------------------------- */

static void test_broken_table_is_taken_from_the_snapshot(void **state)
{
	struct lab *lab = *state;

	lab->snapshot = snapshot_new(&lab->snapshot_fd);
	assert_non_null(lab->snapshot);
	file_write(lab->path, "anna=alice\n");
	users_begin(lab);
	file_write(lab->path, "anna=alice\nbert=10.0.0.1:5\n");
	run_until(lab, &lab->changes, 2);
	file_write(lab->path, "{\"anna\":{},\n");
	for (int i = 0; i < 2; i++) { /* it stays there */
		users_begin_again(lab);
		assert_int_equal(lab->broken, 1);
		assert_non_null(strstr(lab->why, "line 2, column "));
		assert_non_null(strstr(lab->why, "the table of the previous process stays active"));
		assert_true(users_are_known(lab->users));
		assert_int_equal(users_list(lab->users)->n, 2);
		assert_int_equal(users_find(lab->users, "bert")->port, 5);
	}
	file_write(lab->path, "bert=10.0.0.1:5\n");
	run_until(lab, &lab->changes, 1);
	assert_int_equal(lab->broken, 0);
	assert_int_equal(lab->before, 2);
	assert_int_equal(lab->now, 1);
}

static void test_whoever_must_read_it_takes_nothing_else(void **state)
{
	struct lab *lab = *state;

	lab->snapshot = snapshot_new(&lab->snapshot_fd);
	file_write(lab->path, "anna=alice\n");
	users_begin(lab);
	file_write(lab->path, "anna\n");
	run_until(lab, &lab->broken, 1);
	errno = 0;
	assert_null(users_of(lab, true));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(lab->broken, 2);
	assert_non_null(strstr(lab->why, "map: line 1: "));
	file_write(lab->path, "anna=alice\n");
	users_free(lab->users);
	lab->users = users_of(lab, true);
	assert_non_null(lab->users);
}

static void test_missing_port_costs_its_user_only(void **state)
{
	struct lab *lab = *state;
	char env[160];

	lab->snapshot = snapshot_new(&lab->snapshot_fd);
	file_write(lab->path, "anna=alice\nbert=bob\nr=root\n");
	users_begin(lab);
	assert_int_equal(lab->portless, 1);
	assert_non_null(strstr(lab->why, "map: line 2: no port for bob: "));
	assert_int_equal(users_list(lab->users)->n, 2);
	assert_null(users_find(lab->users, "bert"));
	/* one that had a port keeps it while the table stays so, and in the next process */
	snprintf(env, sizeof env, "%s/alice.env", lab->dir);
	unlink(env);
	run_until(lab, &lab->portless, 2);
	assert_non_null(strstr(lab->why, "map: line 1: no port for alice: "));
	assert_int_equal(users_find(lab->users, "anna")->port, 3773);
	lab->changes = 0;
	users_begin_again(lab);
	assert_int_equal(users_find(lab->users, "anna")->port, 3773);
	assert_int_equal(users_list(lab->users)->n, 2);
	/* another account's port is not hers */
	file_write(lab->path, "anna=bob\nr=root\n");
	run_until(lab, &lab->changes, 2);
	assert_null(users_find(lab->users, "anna"));
	env_write(lab, "bob", "T3_PORT=5000\n");
	run_until(lab, &lab->changes, 3);
	assert_int_equal(users_find(lab->users, "anna")->port, 5000);
}

static void list_make(struct user_list *l, size_t n)
{
	*l = (struct user_list){.rows = calloc(n + 1, sizeof l->rows[0]), .n = n};
	for (size_t i = 0; i < n; i++)
		snprintf(l->rows[i].name, sizeof l->rows[i].name, "u%04zu", i);
}

#define MANY 5000

static void test_half_a_snapshot_is_not_believed(void **state)
{
	struct lab *lab = *state;
	struct user_list most, one, got;
	struct user_snapshot *s = lab->snapshot = snapshot_new(&lab->snapshot_fd);
	unsigned char byte;
	off_t row = lseek(lab->snapshot_fd, 0, SEEK_END) - (off_t)(USERS_MAX - MANY + 1) * (off_t)sizeof(struct user);

	assert_false(snapshot_get(NULL, &got));
	assert_false(snapshot_get(s, &got));
	list_make(&most, MANY);
	list_make(&one, 1);
	snapshot_put(NULL, &one);
	snapshot_put(s, &one);
	snapshot_put(s, &most);
	assert_true(snapshot_get(s, &got));
	assert_int_equal(got.n, MANY);
	assert_string_equal(got.rows[MANY - 1].name, "u4999");
	user_list_fini(&got);
	/* the last row of the second page, which is the good one now */
	assert_int_equal(pread(lab->snapshot_fd, &byte, 1, row), 1);
	byte ^= 1;
	assert_int_equal(pwrite(lab->snapshot_fd, &byte, 1, row), 1);
	assert_false(snapshot_get(s, &got));
	assert_int_equal(got.n, 0);
	snapshot_put(s, &one);
	assert_true(snapshot_get(s, &got));
	assert_int_equal(got.n, 1);
	user_list_fini(&got);
	user_list_fini(&most);
	user_list_fini(&one);
}

static void test_next_binary_finds_the_snapshot(void **state)
{
	struct lab *lab = *state;
	struct user_list one, got;
	struct user_snapshot *next;
	int other;

	lab->snapshot = snapshot_new(&lab->snapshot_fd);
	list_make(&one, 1);
	snapshot_put(lab->snapshot, &one);
	next = snapshot_attach(lab->snapshot_fd);
	assert_non_null(next);
	assert_true(snapshot_get(next, &got));
	assert_string_equal(got.rows[0].name, "u0000");
	user_list_fini(&got);
	user_list_fini(&one);
	snapshot_free(next);
	other = memfd_create("t3ops-test", MFD_CLOEXEC); /* of another layout */
	assert_int_equal(ftruncate(other, 4096), 0);
	assert_null(snapshot_attach(other));
	assert_int_equal(errno, EPROTO);
	close(other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_tables),
	    TEST(test_names_by_any_case),
	    TEST(test_as_many_as_there_are),
	    TEST(test_nul),
	    TEST(test_every_row_at_fault_is_named),
	    TEST(test_accounts),
	    TEST(test_find_and_home),
	    TEST(test_file_changes),
	    TEST(test_file_breaks_and_heals),
	    TEST(test_emptied_file_puts_nobody_out),
	    TEST(test_half_written_file_is_left_alone),
	    TEST(test_no_file_at_first),
	    TEST(test_first_table_is_told_even_if_empty),
	    TEST(test_broken_table_is_taken_from_the_snapshot),
	    TEST(test_whoever_must_read_it_takes_nothing_else),
	    TEST(test_missing_port_costs_its_user_only),
	    TEST(test_half_a_snapshot_is_not_believed),
	    TEST(test_next_binary_finds_the_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
