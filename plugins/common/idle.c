/* SPDX-License-Identifier: MIT */
/* See idle.h. */
#include "common/idle.h"

#include <dirent.h>
#include <stdbool.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cgroup.h"
#include "common/database_lock.h"

#define BUSY_MS   2000
#define MARGIN_S  60 /* between the server's start and a turn: clocks are set */
#define CHAIN_MAX 64 /* ancestors */

/* ---- the database ---------------------------------------------------------------------------------------- */

/* One that completed, or that the server before this one began, is not in progress, whatever its state says. */
static const char turns_sql[] =
    "SELECT count(*) FROM projection_turns WHERE completed_at IS NULL AND state NOT IN ('completed', 'interrupted', "
    "'error') AND (requested_at IS NULL OR requested_at >= strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch'))";
static const char sessions_sql[] =
    "SELECT count(*) FROM projection_thread_sessions WHERE (active_turn_id IS NOT NULL OR status IN ('starting', "
    "'running')) AND (updated_at IS NULL OR updated_at >= strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch'))";
/* Whatever somebody asks t3 for becomes an event; the rowid is their order. */
static const char input_sql[] =
    "SELECT strftime('%s', 'now') - strftime('%s', occurred_at) FROM orchestration_events "
    "ORDER BY rowid DESC LIMIT 1";

/* The number in the first row; `none` without a row.  False: it cannot be told, why says why. */
static bool number_read(sqlite3 *db, const char *sql, int64_t since_s, int64_t none, int64_t *out, char *why,
                        size_t size)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (r == SQLITE_OK) {
		if (sqlite3_bind_parameter_count(st) > 0)
			sqlite3_bind_int64(st, 1, since_s);
		r = sqlite3_step(st);
	}
	*out = none;
	if (r == SQLITE_ROW && sqlite3_column_type(st, 0) == SQLITE_INTEGER)
		*out = sqlite3_column_int64(st, 0);
	else if (r != SQLITE_DONE)
		snprintf(why, size, "whether a turn is in progress cannot be told: %.200s",
		         r == SQLITE_ROW ? "a time in the database is none" : sqlite3_errmsg(db));
	r = r == SQLITE_DONE || (r == SQLITE_ROW && sqlite3_column_type(st, 0) == SQLITE_INTEGER);
	sqlite3_finalize(st);
	return r;
}

static sqlite3 *database_open(const char *path, char *why, size_t size)
{
	sqlite3 *db = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && st.st_size == 0) { /* SQLite would remove the -wal file beside it */
		snprintf(why, size, "whether a turn is in progress cannot be told: %.200s is empty", path);
		return NULL;
	}
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		return db;
	}
	snprintf(why, size, "whether a turn is in progress cannot be told: %.200s: %.100s", path, sqlite3_errmsg(db));
	sqlite3_close(db);
	return NULL;
}

static bool turn_is_running(sqlite3 *db, int64_t since_s, char *why, size_t size)
{
	int64_t turns, sessions;

	if (!number_read(db, turns_sql, since_s, 0, &turns, why, size) ||
	    !number_read(db, sessions_sql, since_s, 0, &sessions, why, size))
		return true;
	if (turns == 0 && sessions == 0)
		return false;
	if (sessions > turns)
		turns = sessions;
	snprintf(why, size, turns == 1 ? "%lld turn is in progress" : "%lld turns are in progress", (long long)turns);
	return true;
}

static bool database_is_quiet(struct idle *i, int64_t since_s, char *why, size_t size)
{
	sqlite3 *db = database_open(i->server->database, why, size);
	int64_t quiet_s = (int64_t)(i->quiet_us / 1000000);
	bool quiet = db != NULL && !turn_is_running(db, since_s, why, size) &&
	             number_read(db, input_sql, 0, IDLE_NEVER_S, &i->input_s, why, size);

	sqlite3_close(db);
	if (!quiet || i->input_s >= quiet_s)
		return quiet;
	snprintf(why, size, "the last input was %lld s ago, less than %lld s", (long long)i->input_s,
	         (long long)quiet_s);
	return false;
}

/* ---- processes --------------------------------------------------------------------------------------------- */

struct process {
	pid_t pid, parent;
	char name[32], state;
	unsigned long long started_ticks; /* since boot */
};

static bool process_read(pid_t pid, struct process *p)
{
	char path[64], text[1024];
	const char *name, *rest;
	ssize_t n;
	int fd, parent;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	name = strchr(text, '(');
	rest = strrchr(text, ')');
	*p = (struct process){.pid = pid};
	if (name == NULL || rest == NULL ||
	    sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	           &p->state, &parent, &p->started_ticks) != 3)
		return false;
	p->parent = parent;
	snprintf(p->name, sizeof p->name, "%.*s", (int)(rest - name - 1), name + 1);
	return true;
}

/* Whether `child` descends from `ancestor`; a process does not from itself. */
static bool is_below(pid_t child, pid_t ancestor)
{
	struct process p;

	for (int i = 0; i < CHAIN_MAX && child > 1 && process_read(child, &p); i++) {
		if (p.parent == ancestor)
			return true;
		child = p.parent;
	}
	return false;
}

/* Whether it is in that cgroup, or in one below. */
static bool is_in(pid_t pid, const char *cgroup)
{
	size_t len = strlen(cgroup);
	char its[CGROUP_SIZE];

	cgroup_of(pid, its, sizeof its);
	return len > 0 && strncmp(its, cgroup, len) == 0 && (its[len] == '\0' || its[len] == '/');
}

static bool is_ignored(const struct idle *i, const struct process *p)
{
	const struct t3ops_host *host = i->server->ctx->host;

	for (size_t n = 0; i->ignored != NULL && n < host->opt_count(i->server->ctx, i->ignored); n++)
		if (strncmp(host->opt_item(i->server->ctx, i->ignored, n), p->name, 15) == 0)
			return true;
	return p->state == 'Z';
}

/* An agent, a terminal: what is in the server's cgroup, or its descendant, and not what started the server. */
static bool is_beside(const struct idle *i, const struct process *p, pid_t server, const char *cgroup)
{
	if (p->pid == server || p->pid == getpid() || is_ignored(i, p))
		return false;
	return is_below(p->pid, server) || (is_in(p->pid, cgroup) && !is_below(server, p->pid));
}

static bool is_alone(const struct idle *i, pid_t server, char *why, size_t size)
{
	char cgroup[CGROUP_SIZE];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	struct process p;
	bool alone = true;

	cgroup_own(server, cgroup, sizeof cgroup);
	if (proc == NULL) {
		snprintf(why, size, "whether agents run cannot be told: /proc: %m");
		return false;
	}
	while (alone && (e = readdir(proc)) != NULL) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !process_read(atoi(e->d_name), &p))
			continue;
		alone = !is_beside(i, &p, server, cgroup);
		if (!alone)
			snprintf(why, size, "process %d (%s) runs beside the server: an agent, or a terminal",
			         (int)p.pid, p.name);
	}
	closedir(proc);
	return alone;
}

/* When the process was started, since 1970; 0: not known. */
static int64_t started_s(pid_t pid)
{
	struct timespec boot, now;
	struct process p;

	if (!process_read(pid, &p) || clock_gettime(CLOCK_BOOTTIME, &boot) < 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) < 0)
		return 0;
	return now.tv_sec - boot.tv_sec + (int64_t)(p.started_ticks / (unsigned long long)sysconf(_SC_CLK_TCK));
}

/* Our own programs open the database, too. */
static bool is_ours(pid_t pid)
{
	char path[64], theirs[4096], mine[4096];
	ssize_t n, m = readlink("/proc/self/exe", mine, sizeof mine);

	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	n = readlink(path, theirs, sizeof theirs);
	return n > 0 && n == m && memcmp(theirs, mine, (size_t)n) == 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------- */

/* The process of the server; 0: it does not run; -1: it does, and cannot be looked at, as why says. */
static pid_t server_find(struct user_server *s, char *why, size_t size)
{
	pid_t server;

	if (user_server_running(s, why, size) == NULL)
		return 0;
	server = database_user(s->database); /* before SQLite opens it: closing the file takes our own locks */
	if (server <= 0)
		return -1;
	if (!is_ours(server))
		return server;
	snprintf(why, size, "another job of t3ops has the database open: process %d", (int)server);
	return -1;
}

/* Since when a turn of this server may be in progress. */
static int64_t turns_since_s(pid_t server)
{
	int64_t since_s = started_s(server);

	return since_s > MARGIN_S ? since_s - MARGIN_S : 0;
}

const char *idle_busy(struct idle *i, char *why, size_t size)
{
	pid_t server = server_find(i->server, why, size);

	i->input_s = server == 0 ? IDLE_NEVER_S : 0;
	if (server == 0)
		return NULL;
	if (server < 0 || !is_alone(i, server, why, size) || !database_is_quiet(i, turns_since_s(server), why, size))
		return why;
	return NULL;
}

const char *idle_turn(struct user_server *s, char *why, size_t size)
{
	pid_t server = server_find(s, why, size);
	sqlite3 *db = server > 0 ? database_open(s->database, why, size) : NULL;
	bool is = server < 0 || (server > 0 && (db == NULL || turn_is_running(db, turns_since_s(server), why, size)));

	sqlite3_close(db);
	return is ? why : NULL;
}

const char *idle_agents(struct idle *i, char *why, size_t size)
{
	pid_t server = server_find(i->server, why, size);

	return server == 0 || (server > 0 && is_alone(i, server, why, size)) ? NULL : why;
}
