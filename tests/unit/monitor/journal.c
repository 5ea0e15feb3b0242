/* SPDX-License-Identifier: MIT */
/* The journal: what it keeps, what it forgets, and a disk that fails. */
#include "monitor/journal_read.h"

#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "monitor/journal_check.h"
#include "sys/clock.h"

#define DAY_US (UINT64_C(86400) * 1000000)

/* In place of libc's, for SQLite: how long it would have slept, and who waited for the disk to have the file. */
#define PUBLIC __attribute__((visibility("default")))
static uint64_t slept_us;
static unsigned waited_on_loop;
static sem_t waited_elsewhere;
static bool disk_is_slow;  /* a checkpoint waits there for disk */
static bool disk_is_asked; /* it does so now */
static sem_t disk;

PUBLIC int usleep(useconds_t us)
{
	slept_us += us;
	return 0;
}

PUBLIC int nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	slept_us += (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_nsec / 1000;
	return 0;
}

/* The log's own head is written through now and then; that is short. */
static bool is_log(int fd)
{
	char link[64], name[256];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof name - 1);
	return n > 4 && memcmp(name + n - 4, "-wal", 4) == 0;
}

PUBLIC int fdatasync(int fd)
{
	if (is_log(fd))
		return 0;
	if (gettid() == getpid())
		waited_on_loop++;
	else
		sem_post(&waited_elsewhere);
	if (gettid() != getpid() && __atomic_load_n(&disk_is_slow, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&disk_is_asked, true, __ATOMIC_SEQ_CST);
		while (sem_wait(&disk) < 0)
			;
	}
	return 0;
}

static uint64_t read_bytes;

PUBLIC ssize_t pread64(int fd, void *out, size_t n, off64_t at)
{
	read_bytes += n;
	return syscall(SYS_pread64, fd, out, n, at);
}

PUBLIC int fsync(int fd)
{
	return fdatasync(fd);
}

struct fixture {
	struct ev_loop *loop;
	char dir[32], path[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->dir, "/tmp/t3ops-journal.XXXXXX");
	f->loop = ev_loop_new(0);
	if (!mkdtemp(f->dir) || !f->loop)
		return -1;
	snprintf(f->path, sizeof f->path, "%s/j.sqlite", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const tails[] = {"", "-wal", "-shm"};
	char name[96];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", f->path, tails[i]);
		unlink(name);
	}
	rmdir(f->dir);
	ev_loop_destroy(f->loop);
	free(f);
	return 0;
}

static void add(struct journal *j, enum event_kind kind, const char *user, uint64_t age_us)
{
	struct event e;

	event_init(&e, kind, PROCESS_MONITOR);
	e.time_us -= age_us;
	event_set(e.user, user);
	journal_event(j, &e);
}

static void events_outlive_the_process(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	json_t *rows;

	add(j, EVENT_TUNNEL_OPEN, "alice", 0);
	add(j, EVENT_TUNNEL_DROP, "alice", 0);
	add(j, EVENT_TUNNEL_ALIVE, "bob", 0); /* not of a kind that is kept */
	journal_free(j);
	j = journal_new(f->loop, f->path, 90 * DAY_US);
	rows = journal_events(j, "", 0, 10);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "kind")), "tunnel_dropped");
	assert_non_null(strstr(json_string_value(json_object_get(json_array_get(rows, 0), "line")), "user=alice"));
	json_decref(rows);
	rows = journal_events(j, "tunnel_opened", 0, 10);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	rows = journal_events(j, "", 0, 1);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	rows = journal_events(j, "", clock_wall_us() + DAY_US, 10);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	assert_int_equal(journal_lost(j), 0);
	journal_free(j);
}

static void verdicts_come_back_newest_first(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	json_t *rows;

	for (int i = 1; i <= 3; i++) {
		json_t *v = json_pack("{s:i, s:i, s:i, s:s, s:s}", "serial", i, "id", 20 + i, "incident", 10 + i,
		                      "verdict", "tunnel", "text", "x");

		journal_verdict(j, v);
		json_decref(v);
	}
	rows = journal_verdicts(j, 0, 2);
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "serial")), 3);
	json_decref(rows);
	assert_int_equal(journal_last_incident(j), 13);
	assert_int_equal(journal_last_verdict(j), 23);
	journal_free(j);
}

static void old_rows_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	json_t *rows;

	add(j, EVENT_TUNNEL_DROP, "alice", 10 * DAY_US);
	add(j, EVENT_TUNNEL_DROP, "bob", 0);
	journal_free(j);
	j = journal_new(f->loop, f->path, 5 * DAY_US);
	add(j, EVENT_TUNNEL_DROP, "carol", 0);
	journal_flush(j);
	rows = journal_events(j, "", 0, 10);
	assert_int_equal(json_array_size(rows), 2);
	json_decref(rows);
	journal_free(j);
}

static void a_disk_that_fails_is_counted(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, "/proc/no/such/directory/j.sqlite", DAY_US);

	assert_non_null(j);
	add(j, EVENT_TUNNEL_DROP, "alice", 0);
	journal_flush(j);
	assert_true(journal_lost(j) >= 1);
	assert_null(journal_events(j, "", 0, 10));
	assert_null(journal_verdicts(j, 0, 10));
	assert_null(journal_memories(j));
	journal_free(j);
}

static void rows_wait_while_somebody_else_writes(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	sqlite3 *other;
	json_t *rows;

	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	add(j, EVENT_TUNNEL_DROP, "alice", 0);
	journal_flush(j);
	add(j, EVENT_TUNNEL_DROP, "bob", 0);
	sqlite3_close(other);
	rows = journal_events(j, "", 0, 10);
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(journal_lost(j), 0);
	json_decref(rows);
	journal_free(j);
}

/* The loop would stand still as long. */
static void nobody_waits_on_the_loop_for_somebody_else(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	sqlite3 *other;

	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	add(j, EVENT_TUNNEL_DROP, "alice", 0);
	slept_us = 0;
	journal_flush(j);
	assert_true(slept_us <= 10000);
	journal_free(j); /* that is the end: what is not written then is lost */
	assert_true(slept_us >= 100000);
	sqlite3_close(other);
}

static int rows_in(const struct fixture *f)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int n;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM events", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static void a_flood_is_written_in_slices(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	int slices = 0, n = 0;

	for (int i = 0; i < 2000; i++)
		add(j, EVENT_TUNNEL_DROP, "alice", 0);
	while (n < 2000) {
		int before = n;

		ev_run(f->loop, EVRUN_ONCE);
		n = rows_in(f);
		assert_true(n - before <= 300);
		slices += n > before;
	}
	assert_true(slices > 4);
	assert_int_equal(journal_lost(j), 0);
	journal_free(j);
}

static void recordings_add(struct journal *j, unsigned n)
{
	char text[100001];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	for (unsigned i = 0; i < n; i++)
		journal_recording(j, 1, i, text, sizeof text - 1);
}

static void the_disk_is_waited_for_in_a_thread(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	struct timespec limit;

	assert_int_equal(sem_init(&waited_elsewhere, 0, 0), 0);
	recordings_add(j, 40);
	waited_on_loop = 0;
	for (unsigned i = 40; i < 60; i++) {
		journal_recording(j, 1, i, "more", 4);
		journal_flush(j);
	}
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 60;
	assert_int_equal(sem_timedwait(&waited_elsewhere, &limit), 0);
	assert_int_equal(waited_on_loop, 0);
	assert_int_equal(journal_lost(j), 0);
	journal_free(j);
}

static int recordings_written(struct journal *j)
{
	sqlite3_stmt *s = journal_db_prepare(journal_written(j), "SELECT count(*) FROM recordings");
	int n;

	assert_non_null(s);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return n;
}

/* Five commits might be made while the disk is waited for. */
static void disk_turn(unsigned *waits)
{
	if (!__atomic_load_n(&disk_is_asked, __ATOMIC_SEQ_CST) || ++*waits < 5)
		return;
	*waits = 0;
	__atomic_store_n(&disk_is_asked, false, __ATOMIC_SEQ_CST);
	sem_post(&disk);
}

static void the_log_of_a_slow_disk_stays_short(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	size_t len = 1000000;
	char *text = malloc(len), wal[80];
	int queued = 0, written = 0;
	unsigned waits = 0;
	struct stat st;

	assert_non_null(text);
	memset(text, 'x', len);
	snprintf(wal, sizeof wal, "%s-wal", f->path);
	assert_int_equal(sem_init(&waited_elsewhere, 0, 0), 0);
	assert_int_equal(sem_init(&disk, 0, 0), 0);
	__atomic_store_n(&disk_is_slow, true, __ATOMIC_SEQ_CST);
	while (written < 100) {
		if (queued == written)
			journal_recording(j, 1, (unsigned)queued++, text, len);
		written = recordings_written(j);
		assert_int_equal(stat(wal, &st), 0);
		assert_true(st.st_size < 50000000);
		disk_turn(&waits);
		sched_yield();
	}
	__atomic_store_n(&disk_is_slow, false, __ATOMIC_SEQ_CST);
	sem_post(&disk);
	assert_int_equal(journal_lost(j), 0);
	journal_free(j);
	free(text);
}

static void months_are_forgotten_in_steps(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	json_t *rows = NULL;
	size_t left = 1;

	for (int i = 0; i < 4500; i++)
		add(j, EVENT_TUNNEL_DROP, "alice", 10 * DAY_US);
	journal_free(j);
	j = journal_new(f->loop, f->path, 5 * DAY_US);
	rows = journal_events(j, "", 0, 10000);
	assert_in_range(json_array_size(rows), 4000, 4499);
	json_decref(rows);
	for (int i = 0; i < 200 && left > 0; i++) {
		ev_run(f->loop, EVRUN_ONCE);
		rows = journal_events(j, "", 0, 10000);
		left = json_array_size(rows);
		json_decref(rows);
	}
	assert_int_equal(left, 0);
	journal_free(j);
}

/* Every reload waits for the check. */
static void a_long_journal_is_not_read_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	char buf[256];

	recordings_add(j, 1000); /* 100 MB */
	journal_free(j);
	read_bytes = 0;
	assert_null(journal_check(f->path, buf, sizeof buf));
	assert_in_range(read_bytes, 1, 30 << 20);
}

/* Of a short one every page is, and of a long one those that new rows go beside. */
static void damage_is_found(void **state)
{
	static const unsigned lengths[] = {10, 300};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
		FILE *out;
		char buf[256], junk[4096];

		recordings_add(j, lengths[i]);
		add(j, EVENT_TUNNEL_DROP, "alice", 0);
		journal_free(j);
		assert_null(journal_check(f->path, buf, sizeof buf));
		memset(junk, 0xa5, sizeof junk);
		out = fopen(f->path, "r+");
		for (long page = 1; page < 12; page++) { /* the roots of its tables and indexes */
			fseek(out, page * 4096, SEEK_SET);
			fwrite(junk, 1, sizeof junk, out);
		}
		fclose(out);
		assert_non_null(journal_check(f->path, buf, sizeof buf));
		unlink(f->path);
	}
}

static void garbage_is_not_a_journal(void **state)
{
	struct fixture *f = *state;
	FILE *out = fopen(f->path, "w");
	struct journal *j;

	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", out);
	fclose(out);
	j = journal_new(f->loop, f->path, DAY_US);
	assert_non_null(j);
	add(j, EVENT_TUNNEL_DROP, "alice", 0);
	journal_flush(j);
	assert_int_equal(journal_lost(j), 1);
	journal_free(j);
}

/* Neither sorted nor gone through: with a million rows the monitor's loop would stand still. */
static void events_are_found_by_an_index(void **state)
{
	static const struct {
		const char *kind, *index;
	} rows[] = {{"", "USING INDEX events_time"}, {"loop_lag", "USING INDEX events_kind"}};
	struct fixture *f = *state;
	struct journal *j = journal_new(f->loop, f->path, 90 * DAY_US);
	sqlite3 *db;

	add(j, EVENT_TUNNEL_OPEN, "alice", 0);
	journal_free(j);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char sql[400];
		sqlite3_stmt *plan;

		snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", journal_events_sql(rows[i].kind));
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
		assert_non_null(strstr((const char *)sqlite3_column_text(plan, 3), rows[i].index));
		assert_int_equal(sqlite3_step(plan), SQLITE_DONE); /* no sorting */
		sqlite3_finalize(plan);
	}
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(events_outlive_the_process, setup, teardown),
	    cmocka_unit_test_setup_teardown(events_are_found_by_an_index, setup, teardown),
	    cmocka_unit_test_setup_teardown(verdicts_come_back_newest_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(old_rows_are_forgotten, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_disk_that_fails_is_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(rows_wait_while_somebody_else_writes, setup, teardown),
	    cmocka_unit_test_setup_teardown(nobody_waits_on_the_loop_for_somebody_else, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_flood_is_written_in_slices, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_disk_is_waited_for_in_a_thread, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_log_of_a_slow_disk_stays_short, setup, teardown),
	    cmocka_unit_test_setup_teardown(months_are_forgotten_in_steps, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_long_journal_is_not_read_as_a_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(damage_is_found, setup, teardown),
	    cmocka_unit_test_setup_teardown(garbage_is_not_a_journal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
