/* SPDX-License-Identifier: MIT */
/*
 * The backup plugin in the process of a job, on real databases: written to meanwhile, damaged, locked,
 * too big for the quota; and runs that are killed half way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"
#include "ipc/channel.h"
#include "jobs/job_child.h"
#include "process/job_input.h"

#define MINUTE_US      60000000
#define KILLS          200
#define KILL_WITHIN_US 120000
#define LIMIT_US       60000000 /* for anything that must happen at all */

struct fixture {
	char dir[64], home[128], db[256], to[128], backup_dir[192], so[256];
	int keep;
	int64_t budget;
	int compress;
	char key[128]; /* file of it; "": none */
	long disk;     /* bytes of a small disk for the backups; 0: where they are */
	bool read_only;
	const char *action, *arguments;
	bool requested;
	json_int_t deadline_us;
	rlim_t quota; /* 0: none */
};

/* ---- small helpers -------------------------------------------------------------------------- */

#define PATH(out, ...) assert_true((size_t)snprintf(out, sizeof out, __VA_ARGS__) < sizeof out)

static void file_write(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Into a directory of our own: the loader wants to know who may write there. */
static void plugin_copy(const char *to)
{
	const char *build = getenv("T3OPS_BUILD");
	char from[512];
	FILE *f;
	static char bytes[16 << 20];
	size_t n;

	PATH(from, "%s/plugins/.libs/backup.so", build ? build : ".");
	f = fopen(from, "r");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(n > 0 && n < sizeof bytes);
	file_write(to, bytes, n);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 30000);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

/* The first statement fails over a schema that cannot be read. */
static void sql_newer(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA writable_schema=ON", NULL, NULL, NULL);
	sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void sql_text(const char *path, const char *text, char *out, size_t size)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static long sql_number(const char *path, const char *text)
{
	char out[64];

	sql_text(path, text, out, sizeof out);
	return strtol(out, NULL, 10);
}

/* Entries whose name begins with prefix; the last one by name goes to path. */
static int backup_dir_count(const struct fixture *f, const char *prefix, char path[512])
{
	struct dirent **found;
	int n = scandir(f->backup_dir, &found, NULL, alphasort), count = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		if (strncmp(found[i]->d_name, prefix, strlen(prefix)) == 0) {
			count++;
			if (path)
				snprintf(path, 512, "%s/%s", f->backup_dir, found[i]->d_name);
		}
		free(found[i]);
	}
	free(found);
	return count;
}

/* ---- a run ------------------------------------------------------------------------------------- */

static void text_put(struct option_set *s, const char *name, uint32_t type, const char *text)
{
	option_set_put(s, name, (struct option_value){.type = type, .text = strdup(text)});
}

static void number_put(struct option_set *s, const char *name, uint32_t type, int64_t number)
{
	option_set_put(s, name, (struct option_value){.type = type, .number = number});
}

static int input_make(const struct fixture *f)
{
	char none[] = "", name[] = "backup", *text;
	struct plugin_section section = {.name = name,
	                                 .module = name,
	                                 .version = none,
	                                 .provides = none,
	                                 .needs = none,
	                                 .wants = none,
	                                 .roles = T3OPS_ROLE_JOB,
	                                 .file = {.path = (char *)(uintptr_t)f->so}};
	const struct plugin_section *sections[] = {&section};
	struct process_config config = {.plugins = sections, .n_plugins = 1};
	struct user user = {.name = "alice", .os_user = "al", .host = "127.0.0.1", .port = 3773};
	struct option_set *s = &section.values;
	const struct job_asked asked = {.requested = f->requested,
	                                .action = f->action ? f->action : "",
	                                .arguments = f->arguments ? f->arguments : ""};
	int fd = memfd_create("input", MFD_CLOEXEC);

	event_set(user.home, f->home);
	number_put(s, "at", T3OPS_OPT_TIME, -1);
	number_put(s, "every", T3OPS_OPT_DURATION, 0);
	number_put(s, "jitter", T3OPS_OPT_DURATION, 0);
	number_put(s, "deadline", T3OPS_OPT_DURATION, f->deadline_us);
	text_put(s, "to", T3OPS_OPT_USER_DIR, f->to);
	number_put(s, "retain", T3OPS_OPT_INT, f->keep);
	number_put(s, "retain_daily", T3OPS_OPT_INT, 0);
	number_put(s, "retain_weekly", T3OPS_OPT_INT, 0);
	number_put(s, "retain_monthly", T3OPS_OPT_INT, 0);
	number_put(s, "compress", T3OPS_OPT_INT, f->compress);
	text_put(s, "encrypt_key", T3OPS_OPT_STRING, f->key);
	text_put(s, "s3_url", T3OPS_OPT_URL, "");
	number_put(s, "budget", T3OPS_OPT_BYTES, f->budget);
	text_put(s, "database", T3OPS_OPT_STRING, "%h/.t3/userdata/state.sqlite");
	text = job_input_make(&config, &section, &asked, &(struct text_list){0}, &user);
	assert_non_null(text);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	free(text);
	option_set_fini(s);
	return fd;
}

/* ---- disks ------------------------------------------------------------------------------------------------- */

static bool map_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Root needs no user namespace, and others get one in which they are themselves. */
static bool mounts_unshare(void)
{
	char uids[48], gids[48];

	PATH(uids, "%u %u 1", geteuid(), geteuid());
	PATH(gids, "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWNS) == 0 ||
	       (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && map_write("/proc/self/setgroups", "deny") &&
	        map_write("/proc/self/uid_map", uids) && map_write("/proc/self/gid_map", gids));
}

/* In namespaces of its own, with a small file system where the backups go. */
static bool small_disk_mount(const struct fixture *f)
{
	char options[64];

	if (f->disk == 0)
		return true;
	PATH(options, "size=%ld,mode=700", f->disk);
	return mounts_unshare() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", f->backup_dir, "tmpfs", 0, options) == 0 &&
	       (!f->read_only || mount(NULL, f->backup_dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
}

/* Fills that disk as soon as the copy has begun to grow. */
static void disk_fill(const struct fixture *f)
{
	char partial[256], path[256];
	static char bytes[65536];
	struct stat st;
	int fd;

	if (f->disk == 0 || f->read_only || fork() != 0)
		return;
	PATH(partial, "%s/.state.partial", f->backup_dir);
	PATH(path, "%s/others", f->backup_dir);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (stat(partial, &st) < 0 || st.st_size == 0)
		;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && write(fd, bytes, sizeof bytes) > 0)
		;
	_exit(0);
}

static bool can_mount(const struct fixture *f)
{
	struct fixture probe = *f;
	int status;
	pid_t pid;

	probe.disk = 1 << 20;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(small_disk_mount(&probe) ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* Starts a run; its stdout can be read from *out. */
static pid_t run_start(const struct fixture *f, int *out)
{
	int ends[2], helper[2], input = input_make(f);
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(channel_pair(helper), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (f->quota)
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){f->quota, f->quota});
		if (!small_disk_mount(f))
			_exit(99);
		disk_fill(f);
		dup2(ends[1], STDOUT_FILENO);
		_exit(job_child_main(input, helper[1]));
	}
	assert_true(pid > 0);
	close(ends[1]);
	close(input);
	close(helper[0]);
	close(helper[1]);
	*out = ends[0];
	return pid;
}

/* A whole run; returns its answer. */
static json_t *run(const struct fixture *f)
{
	char text[8192];
	size_t len = 0;
	ssize_t n;
	int out, status;
	pid_t pid = run_start(f, &out);
	json_t *answer;

	while (len < sizeof text && (n = read(out, text + len, sizeof text - len)) > 0)
		len += (size_t)n;
	close(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	answer = json_loadb(text, len, 0, NULL);
	if (!answer)
		fail_msg("status %d, no answer in \"%.*s\"", status, (int)len, text);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status) == 0, json_integer_value(json_object_get(answer, "result")) == 0);
	return answer;
}

static const char *fact(const json_t *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(answer, "facts"), key));

	return text ? text : "";
}

static void run_ok(const struct fixture *f, char path[512])
{
	json_t *answer = run(f);
	struct stat st;

	if (json_integer_value(json_object_get(answer, "result")) != 0)
		fail_msg("%s", fact(answer, "error"));
	snprintf(path, 512, "%s", fact(answer, "file"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(strtol(fact(answer, "bytes"), NULL, 10), st.st_size);
	assert_int_equal(backup_dir_count(f, ".state", NULL), 0);
	json_decref(answer);
}

/* The run fails in that way and leaves things as they were. */
static void run_fails(const struct fixture *f, int error, const char *why)
{
	int before = backup_dir_count(f, "state-", NULL);
	json_t *answer = run(f);

	if (!strstr(fact(answer, "error"), why))
		fail_msg("\"%s\" lacks \"%s\"", fact(answer, "error"), why);
	assert_int_equal(json_integer_value(json_object_get(answer, "result")), error);
	assert_int_equal(backup_dir_count(f, "state-", NULL), before);
	assert_int_equal(backup_dir_count(f, ".state", NULL), 0);
	json_decref(answer);
}

/* ---- fixtures ------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char path[256];

	PATH(f->dir, "/tmp/jobs.backup.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	PATH(f->home, "%s/home", f->dir);
	PATH(f->to, "%s/to", f->dir);
	PATH(f->backup_dir, "%s/alice", f->to);
	PATH(f->db, "%s/.t3/userdata/state.sqlite", f->home);
	PATH(f->so, "%s/backup.so", f->dir);
	mkdir(f->home, 0700);
	PATH(path, "%s/.t3", f->home);
	mkdir(path, 0700);
	PATH(path, "%s/.t3/userdata", f->home);
	mkdir(path, 0700);
	mkdir(f->to, 0700);
	mkdir(f->backup_dir, 0700);
	plugin_copy(f->so);
	chmod(f->so, 0600);
	f->keep = 6;
	f->deadline_us = MINUTE_US;
	*state = f;
	return 0;
}

static void dir_remove(const char *path)
{
	struct dirent **found;
	int n = scandir(path, &found, NULL, NULL);

	for (int i = 0; i < n; i++) {
		char inner[1024];

		snprintf(inner, sizeof inner, "%s/%s", path, found[i]->d_name);
		if (strcmp(found[i]->d_name, ".") != 0 && strcmp(found[i]->d_name, "..") != 0 && unlink(inner) < 0)
			dir_remove(inner);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	rmdir(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dir_remove(f->dir);
	free(f);
	return 0;
}

static void database_make(const struct fixture *f, int rows)
{
	char text[512];

	PATH(text,
	     "PRAGMA journal_mode=WAL; CREATE TABLE events(id INTEGER PRIMARY KEY, body BLOB); CREATE INDEX by_body "
	     "ON "
	     "events(body); CREATE TABLE totals(n INTEGER); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 "
	     "FROM c "
	     "WHERE i<%d) INSERT INTO events(body) SELECT randomblob(400) FROM c; INSERT INTO totals VALUES(%d)",
	     rows, rows);
	sql(f->db, text);
}

/* What every copy must be: consistent, complete, and good to start t3 on. */
static void copy_check(const char *path, long least)
{
	char text[64], again[600];

	sql_text(path, "PRAGMA integrity_check", text, sizeof text);
	assert_string_equal(text, "ok");
	assert_int_equal(sql_number(path, "SELECT count(*) FROM events"), sql_number(path, "SELECT n FROM totals"));
	assert_true(sql_number(path, "SELECT n FROM totals") >= least);
	PATH(again, "%s.restored", path);
	assert_int_equal(link(path, again), 0);
	sql(again, "PRAGMA journal_mode=WAL; INSERT INTO events(body) VALUES('after'); DROP TABLE totals");
	assert_int_equal(unlink(again), 0);
}

/* ---- while t3 writes -------------------------------------------------------------------------------- */

static _Noreturn void writer_main(const char *path, int ready)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		_exit(1);
	sqlite3_busy_timeout(db, 30000);
	for (;;) {
		if (sqlite3_exec(db,
		                 "BEGIN; INSERT INTO events(body) VALUES(randomblob(300)); UPDATE totals SET n = n + "
		                 "1; COMMIT",
		                 NULL, NULL, NULL) != SQLITE_OK)
			_exit(2);
		if (write(ready, "x", 1) < 0 && errno != EAGAIN)
			_exit(3);
	}
}

static void test_written_meanwhile(void **state)
{
	struct fixture *f = *state;
	char path[512], byte;
	int ready[2], status;
	pid_t writer;
	long n = 300;

	database_make(f, 300);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fcntl(ready[1], F_SETFL, O_NONBLOCK);
	writer = fork();
	if (writer == 0)
		writer_main(f->db, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	for (int i = 0; i < 5; i++) {
		run_ok(f, path);
		copy_check(path, n + 1);
	}
	assert_int_equal(waitpid(writer, &status, WNOHANG), 0); /* still writing, never disturbed */
	kill(writer, SIGKILL);
	waitpid(writer, &status, 0);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 5);
	close(ready[0]);
	close(ready[1]);
}

/* All of it in the -wal file, as with a running t3. */
static void test_everything_in_wal(void **state)
{
	struct fixture *f = *state;
	char path[512], text[32];
	struct stat st;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
	                 "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE events(body); "
	                 "INSERT INTO events VALUES(1),(2),(3); CREATE TABLE totals(n); INSERT INTO totals "
	                 "VALUES(3)",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(stat(f->db, &st), 0);
	assert_true(st.st_size <= 4096);
	run_ok(f, path);
	sqlite3_close(db);
	sql_text(path, "PRAGMA journal_mode", text, sizeof text);
	assert_string_equal(text, "delete");
	copy_check(path, 3);
}

/* ---- what goes wrong ---------------------------------------------------------------------------------- */

static void old_backup(const struct fixture *f, const char *name)
{
	char path[512];

	PATH(path, "%s/%s", f->backup_dir, name);
	file_write(path, "old", 3);
}

static void test_sources(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what, *bytes;
		int error;
		const char *why;
	} cases[] = {
	    {"missing", NULL, -ENOENT, "not there"},
	    {"empty", "", -ENODATA, "no tables"},
	    {"another file",
	     "#!/bin/sh\nthis is not a database, whatever its name says, and it is long enough\n"
	     "for the header of one, which has a hundred bytes\n",
	     -EBADMSG, "damaged"},
	};

	old_backup(f, "state-20250101T000000Z.sqlite");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (cases[i].bytes)
			file_write(f->db, cases[i].bytes, strlen(cases[i].bytes));
		run_fails(f, cases[i].error, cases[i].why);
	}
}

/* One that a newer SQLite wrote: what its schema says cannot be read here, its pages can be copied all the same. */
static void test_newer_schema(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *now, *later;
	} cases[] = {
	    {"CREATE TABLE later(a)", "CREATE TABLE later(a INTEGER FROM THE FUTURE)"},
	    {"CREATE TABLE later(a)", "CREATE TABLE later(a) SIDEWAYS"},
	    {"CREATE INDEX later ON events(body)", "CREATE INDEX later ON events(body) BY MOONLIGHT"},
	};
	char path[512], text[512];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *answer;

		database_make(f, 300);
		sql(f->db, cases[i].now);
		PATH(text, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '%s' WHERE name = 'later'",
		     cases[i].later);
		sql(f->db, text);
		answer = run(f);
		assert_string_equal(fact(answer, "error"), "");
		assert_non_null(strstr(fact(answer, "schema_newer"), sqlite3_libversion()));
		PATH(path, "%s", fact(answer, "file"));
		json_decref(answer);
		PATH(text, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '%s' WHERE name = 'later'",
		     cases[i].now);
		sql_newer(path, text);
		copy_check(path, 300);
		assert_int_equal(unlink(f->db), 0);
	}
}

/* Damaged pages of such a one are found as far as its tables can be read; a schema that is damaged is no newer one.
 */
static void test_newer_schema_and_damaged(void **state)
{
	struct fixture *f = *state;
	char junk[16384];
	int fd;

	database_make(f, 2000);
	sql(f->db,
	    "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES('table', 'later', 'later', 2, 'CREATE "
	    "TABLE later(a) SIDEWAYS'); PRAGMA wal_checkpoint(TRUNCATE)");
	memset(junk, 0x5a, sizeof junk);
	fd = open(f->db, O_RDWR | O_CLOEXEC);
	for (off_t at = 65536; at < 400000; at += 65536)
		assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
	close(fd);
	run_fails(f, -EBADMSG, "integrity check");
	assert_int_equal(unlink(f->db), 0);
	database_make(f, 10);
	sql(f->db, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'events'");
	run_fails(f, -EBADMSG, "damaged");
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	char junk[16384];
	int fd;

	database_make(f, 2000);
	old_backup(f, "state-20250101T000000Z.sqlite");
	sql(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	memset(junk, 0x5a, sizeof junk);
	fd = open(f->db, O_RDWR | O_CLOEXEC);
	for (off_t at = 65536; at < 400000; at += 65536)
		assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
	close(fd);
	run_fails(f, -EBADMSG, "damaged");
}

static void test_quota(void **state)
{
	struct fixture *f = *state;

	database_make(f, 3000);
	old_backup(f, "state-20250101T000000Z.sqlite");
	f->quota = 256 << 10;
	run_fails(f, -ENOSPC, "no room");
}

static void test_late(void **state)
{
	struct fixture *f = *state;

	database_make(f, 5000);
	old_backup(f, "state-20250101T000000Z.sqlite");
	f->deadline_us = 1;
	run_fails(f, -ETIMEDOUT, "deadline");
}

static void test_locked(void **state)
{
	struct fixture *f = *state;
	char path[512];
	sqlite3 *db;

	database_make(f, 10);
	sql(f->db, "PRAGMA journal_mode=DELETE");
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	f->deadline_us = 500000;
	run_fails(f, -ETIMEDOUT, "locked");
	sqlite3_close(db);
	f->deadline_us = MINUTE_US;
	run_ok(f, path);
}

static void byte_copy(const char *from, const char *to)
{
	static char bytes[1 << 20];
	FILE *in = fopen(from, "r");
	size_t n;

	assert_non_null(in);
	n = fread(bytes, 1, sizeof bytes, in);
	fclose(in);
	file_write(to, bytes, n);
}

/* SQLite would take the empty file for a new database, and remove what is left of the old one. */
static void test_wal_alone(void **state)
{
	struct fixture *f = *state;
	char other[300], from[320], wal[300];
	struct stat st;
	sqlite3 *db;

	PATH(other, "%s/other.sqlite", f->dir);
	PATH(from, "%s-wal", other);
	PATH(wal, "%s-wal", f->db);
	assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
	                 "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE events(body); "
	                 "INSERT INTO events VALUES(1)",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	byte_copy(from, wal);
	sqlite3_close(db);
	file_write(f->db, "", 0);
	run_fails(f, -EBADMSG, "nothing was touched");
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size > 0);
}

/* What is no file, where the database should be or its copy go: nothing hangs, nothing is followed out of there. */
static void test_not_files(void **state)
{
	struct fixture *f = *state;
	char real[300], path[512], inside[400];
	struct stat st;

	assert_int_equal(mkfifo(f->db, 0600), 0);
	run_fails(f, -EIO, "not a regular file");
	assert_int_equal(unlink(f->db), 0);
	assert_int_equal(symlink("nowhere", f->db), 0);
	run_fails(f, -ENOENT, "not there");
	assert_int_equal(unlink(f->db), 0);
	database_make(f, 10);
	PATH(real, "%s/real.sqlite", f->dir);
	sql(f->db, "PRAGMA journal_mode=DELETE");
	assert_int_equal(rename(f->db, real), 0);
	assert_int_equal(symlink(real, f->db), 0); /* somebody keeps it on another disk */
	run_ok(f, path);
	copy_check(path, 10);

	PATH(inside, "%s/.state.partial", f->backup_dir);
	assert_int_equal(mkfifo(inside, 0600), 0);
	run_ok(f, path);
	assert_int_equal(symlink(real, inside), 0);
	run_ok(f, path);
	copy_check(path, 10);
	assert_int_equal(lstat(real, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	PATH(inside, "%s/manifest.jsonl", f->backup_dir);
	assert_int_equal(unlink(inside), 0);
	assert_int_equal(mkfifo(inside, 0600), 0);
	run_ok(f, path);
	copy_check(path, 10);

	PATH(path, "%s/elsewhere", f->dir);
	dir_remove(f->backup_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(symlink(path, f->backup_dir), 0);
	{
		json_t *answer = run(f);

		assert_true(json_integer_value(json_object_get(answer, "result")) < 0);
		assert_non_null(strstr(fact(answer, "error"), f->backup_dir));
		json_decref(answer);
	}
	assert_int_equal(rmdir(path), 0); /* nothing is in it */
	assert_int_equal(unlink(f->backup_dir), 0);
	assert_int_equal(mkfifo(f->backup_dir, 0600), 0);
	{
		json_t *answer = run(f);

		assert_int_equal(json_integer_value(json_object_get(answer, "result")), -ENOTDIR);
		json_decref(answer);
	}
	assert_int_equal(unlink(f->backup_dir), 0);
}

/* A clock that went back: what it calls later than now stays with what is made now; one that went ahead and back
 * again loses nothing but what is of no real time. */
static void test_clock(void **state)
{
	struct fixture *f = *state;
	time_t soon = time(NULL) + 36000;
	char name[64], path[512], first[512];
	struct tm tm;

	database_make(f, 10);
	f->keep = 1;
	gmtime_r(&soon, &tm);
	strftime(name, sizeof name, "state-%Y%m%dT%H%M%SZ.sqlite", &tm);
	old_backup(f, name);
	run_ok(f, first);
	assert_int_equal(access(first, F_OK), 0);
	assert_int_equal(backup_dir_count(f, name, NULL), 1); /* the newest by what it says of itself */
	for (int i = 0; i < 3; i++) {
		run_ok(f, path);
		assert_int_equal(access(path, F_OK), 0);
	}
	old_backup(f, "state-19700101T000000Z.sqlite");
	run_ok(f, path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(backup_dir_count(f, "state-1970", NULL), 0);
}

static void test_disk_full_half_way(void **state)
{
	struct fixture *f = *state;
	char path[512];

	if (!can_mount(f)) {
		print_message("no file system can be mounted in a namespace here\n");
		skip();
	}
	database_make(f, 60000);
	f->disk = 80 << 20;
	run_fails(f, -ENOSPC, "no room for the copy (disk or quota full)");
	f->disk = 1 << 20;
	run_fails(f, -ENOSPC, "bytes and"); /* known before it begins */
	f->disk = 0;
	run_ok(f, path);
}

static void test_disk_read_only(void **state)
{
	struct fixture *f = *state;

	if (!can_mount(f)) {
		print_message("no file system can be mounted in a namespace here\n");
		skip();
	}
	database_make(f, 10);
	f->disk = 1 << 20;
	f->read_only = true;
	run_fails(f, -EROFS, "Read-only file system");
}

static void test_two_at_once(void **state)
{
	struct fixture *f = *state;
	char path[512];
	int fd;

	database_make(f, 10);
	fd = open(f->backup_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	run_fails(f, -EBUSY, "another backup is running");
	close(fd);
	run_ok(f, path);
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	json_t *answer;

	database_make(f, 10);
	dir_remove(f->backup_dir);
	answer = run(f);
	assert_int_equal(json_integer_value(json_object_get(answer, "result")), -ENOENT);
	assert_non_null(strstr(fact(answer, "error"), f->backup_dir));
	json_decref(answer);
}

/* Killed while the copy grows; the next run cleans up after it. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	uint64_t end = clock_mono_us() + LIMIT_US;
	char partial[512], path[512];
	struct stat st = {0};
	int out, status;
	pid_t pid;

	database_make(f, 30);
	sql(f->db,
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<64) INSERT INTO events(body) "
	    "SELECT randomblob(1<<19) FROM c; UPDATE totals SET n = n + 64");
	run_ok(f, path);
	PATH(partial, "%s/.state.partial", f->backup_dir);
	pid = run_start(f, &out);
	while (stat(partial, &st) < 0 || st.st_size == 0) {
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		assert_true(clock_mono_us() < end);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(out);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(backup_dir_count(f, ".state.partial", NULL) > 0, 1);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 1);
	copy_check(path, 94);
	run_ok(f, path);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 2);
	copy_check(path, 94);
}

/* Killed at any moment, again and again: what has a name is whole, and the next run begins anew. */
static void test_killed_often(void **state)
{
	struct fixture *f = *state;
	char path[512], pattern[512];
	glob_t found;
	int out, status, killed = 0;
	unsigned seed = 14;

	database_make(f, 3000);
	f->keep = 3;
	for (int i = 0; i < KILLS; i++) {
		pid_t pid;

#ifdef HAVE_ZSTD
		f->compress = i % 2;
#endif
		pid = run_start(f, &out);
		usleep((useconds_t)(rand_r(&seed) % KILL_WITHIN_US));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(out);
		killed += WIFSIGNALED(status);
	}
	assert_true(killed > 0);
	PATH(pattern, "%s/state-*.sqlite", f->backup_dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			copy_check(found.gl_pathv[i], 3000);
		globfree(&found);
	}
	assert_true(backup_dir_count(f, "state-", NULL) <= 5); /* one more of either reason, not removed yet */
	f->compress = 0;
	run_ok(f, path);
	copy_check(path, 3000);
	assert_int_equal(backup_dir_count(f, "state-", NULL) <= 3, 1);
	assert_int_equal(backup_dir_count(f, ".", NULL), 2); /* . and .. */
}

static void test_keep(void **state)
{
	struct fixture *f = *state;
	char path[512], last[512];

	database_make(f, 10);
	f->keep = 3;
	old_backup(f, "state-20240101T000000Z.sqlite");
	old_backup(f, "state-20240102T000000Z.sqlite");
	old_backup(f, "state-20240103T000000Z.sqlite");
	old_backup(f, "state-20240104T000000Z.sqlite");
	old_backup(f, "state-before-upgrade.sqlite"); /* somebody's own */
	old_backup(f, "notes.txt");
	run_ok(f, path);
	assert_int_equal(backup_dir_count(f, "state-2", last), 3);
	assert_string_equal(last, path);
	assert_int_equal(backup_dir_count(f, "state-20240103", NULL) + backup_dir_count(f, "state-20240104", NULL),
	                 2);
	assert_int_equal(backup_dir_count(f, "state-before-upgrade.sqlite", NULL), 1);
	assert_int_equal(backup_dir_count(f, "notes.txt", NULL), 1);

	/* A clock that was ahead: the newest copy stays although others sort behind it. */
	old_backup(f, "state-29990101T000000Z.sqlite");
	f->keep = 1;
	run_ok(f, path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(backup_dir_count(f, "state-2", NULL), 1);

	/* Such a one takes no real one's place. */
	old_backup(f, "state-29990101T000000Z.sqlite");
	old_backup(f, "state-29990102T000000Z.sqlite");
	f->keep = 2;
	strcpy(last, path);
	run_ok(f, path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(last, F_OK), 0);
	assert_int_equal(backup_dir_count(f, "state-2", NULL), 2);
}

/* However often somebody asks, what the schedule made stays. */
static void test_asked_for(void **state)
{
	struct fixture *f = *state;
	char path[512];

	database_make(f, 10);
	f->keep = 2;
	old_backup(f, "state-20240101T000000Z.sqlite");
	old_backup(f, "state-20240102T000000Z.sqlite");
	f->requested = true;
	for (int i = 0; i < 5; i++)
		run_ok(f, path);
	assert_non_null(strstr(path, "Z-manual.sqlite"));
	assert_int_equal(backup_dir_count(f, "state-20240101T000000Z.sqlite", NULL), 1);
	assert_int_equal(backup_dir_count(f, "state-20240102T000000Z.sqlite", NULL), 1);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 4);
	f->requested = false;
	run_ok(f, path);
	assert_null(strstr(path, "manual"));
	assert_int_equal(backup_dir_count(f, "state-20240101T000000Z.sqlite", NULL), 0);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 4);
}

/* The line of the manifest's newest backup. */
static json_t *manifest_line(const struct fixture *f)
{
	char path[512], line[4096];
	FILE *in;

	PATH(path, "%s/manifest.jsonl", f->backup_dir);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof line, in));
	fclose(in);
	return json_loads(line, 0, NULL);
}

static void digest_of(const char *path, char out[65])
{
	unsigned char bytes[32];
	static char whole[32 << 20];
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	n = fread(whole, 1, sizeof whole, in);
	fclose(in);
	assert_true(n < sizeof whole);
	assert_int_equal(EVP_Digest(whole, n, bytes, NULL, EVP_sha256(), NULL), 1);
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* What is known of a backup is in the manifest, and true. */
static void test_manifest(void **state)
{
	struct fixture *f = *state;
	char path[512], digest[65];
	json_t *line;

	database_make(f, 10);
	sql(f->db, "CREATE TABLE effect_sql_migrations(migration_id, name); "
	           "INSERT INTO effect_sql_migrations VALUES(31,'a'),(32,'b')");
	run_ok(f, path);
	line = manifest_line(f);
	assert_string_equal(json_string_value(json_object_get(line, "file")), strrchr(path, '/') + 1);
	assert_string_equal(json_string_value(json_object_get(line, "reason")), "scheduled");
	assert_int_equal(json_integer_value(json_object_get(line, "migration")), 32);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "rows"), "events")), 10);
	digest_of(path, digest);
	assert_string_equal(json_string_value(json_object_get(line, "sha256")), digest);
	json_decref(line);
}

/* A run of an action; what it failed with. */
__attribute__((unused)) static int act(struct fixture *f, const char *action, const char *arguments, char why[512])
{
	json_t *answer;
	int r;

	f->action = action;
	f->arguments = arguments;
	answer = run(f);
	snprintf(why, 512, "%s", fact(answer, "error"));
	r = (int)json_integer_value(json_object_get(answer, "result"));
	json_decref(answer);
	f->action = f->arguments = NULL;
	return r;
}

__attribute__((unused)) static void byte_flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

__attribute__((unused)) static void manifest_forget(const struct fixture *f)
{
	char path[512];

	PATH(path, "%s/manifest.jsonl", f->backup_dir);
	assert_int_equal(unlink(path), 0);
}

#ifdef HAVE_ZSTD
/* Packed, its two digests known; read whole by verify; whatever is wrong with it found, also without the manifest. */
static void test_packed(void **state)
{
	struct fixture *f = *state;
	char path[512], digest[65], command[1200], plain[512], why[512];
	struct stat before, st;
	json_t *line;

	database_make(f, 2000);
	sql(f->db, "INSERT INTO events(body) SELECT zeroblob(3000) FROM events LIMIT 1500; UPDATE totals SET n = n + "
	           "1500; PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(f->db, &before), 0);
	f->compress = 3;
	run_ok(f, path);
	assert_non_null(strstr(path, "Z.sqlite.zst"));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < before.st_size / 2);
	line = manifest_line(f);
	digest_of(path, digest);
	assert_string_equal(json_string_value(json_object_get(line, "sha256")), digest);
	assert_true(json_integer_value(json_object_get(line, "database_bytes")) > st.st_size);
	PATH(plain, "%s/plain.sqlite", f->dir);
	PATH(command, "{\"to\":\"%s\"}", plain);
	assert_int_equal(act(f, "restore", command, why), 0);
	digest_of(plain, digest);
	assert_string_equal(json_string_value(json_object_get(line, "database_sha256")), digest);
	copy_check(plain, 3500);
	json_decref(line);
	assert_int_equal(act(f, "verify", NULL, why), 0);
	assert_int_equal(backup_dir_count(f, ".state", NULL), 0);

	byte_flip(path, st.st_size / 2);
	assert_int_equal(unlink(plain), 0);
	manifest_forget(f); /* zstd's own checksum is left */
	assert_int_equal(act(f, "restore", command, why), -EBADMSG);
	assert_int_equal(access(plain, F_OK), -1);
	assert_int_equal(act(f, "verify", NULL, why), -EBADMSG);
	assert_non_null(strstr(why, "damaged"));
	assert_int_equal(act(f, "restore", command, why), -ENOENT); /* it is known to be damaged now */

	run_ok(f, path);
	assert_int_equal(truncate(path, st.st_size / 3), 0);
	assert_int_equal(act(f, "verify", NULL, why), -EBADMSG);
}

/* Both kinds stand beside each other, and are counted as one. */
static void test_packed_beside_plain(void **state)
{
	struct fixture *f = *state;
	char path[512];

	database_make(f, 10);
	f->keep = 3;
	for (int i = 0; i < 6; i++) {
		f->compress = i % 2;
		run_ok(f, path);
	}
	assert_int_equal(backup_dir_count(f, "state-", NULL), 3);
	assert_non_null(strstr(path, ".zst"));
}
#endif

#ifdef HAVE_SODIUM
static void key_write(struct fixture *f, char digit, mode_t mode)
{
	char text[66];

	memset(text, digit, 64);
	memcpy(text + 64, "\n", 2);
	PATH(f->key, "%s/key", f->dir);
	unlink(f->key);
	file_write(f->key, text, 65);
	chmod(f->key, mode);
}

static bool holds(const char *path, const char *bytes)
{
	static char whole[1 << 20];
	FILE *in = fopen(path, "r");
	size_t n = fread(whole, 1, sizeof whole, in);

	fclose(in);
	return memmem(whole, n, bytes, strlen(bytes)) != NULL;
}

/* Encrypted, packed before or not: nothing of the database can be read; with its key it comes back, with another one
 * it is refused and not called damaged; what was changed is. */
static void test_encrypted(void **state)
{
	struct fixture *f = *state;
	char path[512], plain[512], arguments[600], why[512];
	struct stat st;

	PATH(plain, "%s/plain.sqlite", f->dir);
	PATH(arguments, "{\"to\":\"%s\"}", plain);
	database_make(f, 400);
	for (int level = 0; level <= 3; level += 3) {
#ifdef HAVE_ZSTD
		f->compress = level;
#endif
		key_write(f, 'a', 0600);
		run_ok(f, path);
		assert_non_null(strstr(path, f->compress ? ".sqlite.zst.enc" : ".sqlite.enc"));
		assert_false(holds(path, "SQLite format 3"));
		assert_false(holds(path, "CREATE TABLE"));
		assert_int_equal(act(f, "verify", NULL, why), 0);
		assert_int_equal(act(f, "restore", arguments, why), 0);
		copy_check(plain, 400);
		assert_int_equal(unlink(plain), 0);

		key_write(f, 'b', 0600);
		assert_int_equal(act(f, "verify", NULL, why), -EKEYREJECTED);
		assert_non_null(strstr(why, "another key"));
		f->key[0] = '\0';
		assert_int_equal(act(f, "restore", arguments, why), -ENOKEY);
		assert_non_null(strstr(why, "encrypt_key"));
		key_write(f, 'a', 0600);
		assert_int_equal(act(f, "verify", NULL, why), 0); /* it was never called damaged */

		assert_int_equal(stat(path, &st), 0);
		manifest_forget(f);
		byte_flip(path, st.st_size / 2);
		assert_int_equal(act(f, "restore", arguments, why), -EBADMSG);
		byte_flip(path, st.st_size / 2);
		assert_int_equal(truncate(path, st.st_size - 1), 0);
		assert_int_equal(act(f, "verify", NULL, why), -EBADMSG);
		assert_int_equal(access(plain, F_OK), -1);
		assert_int_equal(unlink(path), 0);
	}
}

static void test_keys(void **state)
{
	struct fixture *f = *state;

	database_make(f, 10);
	key_write(f, 'a', 0640);
	run_fails(f, -EPERM, "others may read it");
	key_write(f, 'g', 0600);
	run_fails(f, -EINVAL, "expected 64 hexadecimal digits");
	unlink(f->key);
	run_fails(f, -ENOENT, f->key);
}
#endif

/* The budget goes before the rule of the last ones, and the run says so. */
static void test_budget(void **state)
{
	struct fixture *f = *state;
	json_t *answer;
	char path[512];

	database_make(f, 10);
	old_backup(f, "state-20240101T000000Z.sqlite");
	old_backup(f, "state-20240102T000000Z.sqlite");
	run_ok(f, path);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 3);
	f->budget = 1;
	answer = run(f);
	assert_string_equal(fact(answer, "kept"), "1");
	assert_string_equal(fact(answer, "over_budget"), "3");
	assert_int_equal(backup_dir_count(f, "state-", NULL), 1);
	json_decref(answer);
}

/* Somebody else's file in the way of the manifest is no reason to lose backups. */
static void test_manifest_damaged(void **state)
{
	struct fixture *f = *state;
	char manifest[512];
	json_t *answer;

	database_make(f, 10);
	PATH(manifest, "%s/manifest.jsonl", f->backup_dir);
	old_backup(f, "state-20240101T000000Z.sqlite");
	file_write(manifest, "\0\377not json\n{", 12);
	answer = run(f);
	assert_string_equal(fact(answer, "manifest_lines_lost"), "2");
	json_decref(answer);
	assert_int_equal(backup_dir_count(f, "state-", NULL), 2);
	unlink(manifest);
	assert_int_equal(symlink("/etc/passwd", manifest), 0); /* never followed */
	run_fails(f, -ELOOP, "the manifest of");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_written_meanwhile),
	    CASE(test_everything_in_wal),
	    CASE(test_sources),
	    CASE(test_newer_schema),
	    CASE(test_newer_schema_and_damaged),
	    CASE(test_damaged),
	    CASE(test_quota),
	    CASE(test_late),
	    CASE(test_locked),
	    CASE(test_wal_alone),
	    CASE(test_not_files),
	    CASE(test_clock),
	    CASE(test_disk_full_half_way),
	    CASE(test_disk_read_only),
	    CASE(test_killed_often),
	    CASE(test_two_at_once),
	    CASE(test_no_directory),
	    CASE(test_killed),
	    CASE(test_keep),
	    CASE(test_asked_for),
	    CASE(test_manifest),
#ifdef HAVE_ZSTD
	    CASE(test_packed),
	    CASE(test_packed_beside_plain),
#endif
#ifdef HAVE_SODIUM
	    CASE(test_encrypted),
	    CASE(test_keys),
#endif
	    CASE(test_budget),
	    CASE(test_manifest_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
