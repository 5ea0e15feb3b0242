/* SPDX-License-Identifier: MIT */
/* The state directory; see store.h. */
#include "lab/t3/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCOPES                                                                                                       \
	"[\"orchestration:read\",\"orchestration:operate\",\"terminal:operate\",\"review:write\",\"relay:read\"]"

/* With those of their columns that somebody reads. */
static const struct {
	const char *name, *columns;
} other_tables[] = {
    {"checkpoint_diff_blobs", ""},
    {"orchestration_command_receipts", ""},
    {"orchestration_events", ", occurred_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"},
    {"projection_pending_approvals", ""},
    {"projection_projects", ""},
    {"projection_state", ""},
    {"projection_thread_activities", ""},
    {"projection_thread_messages", ""},
    {"projection_thread_proposed_plans", ""},
    {"projection_thread_sessions", ", status TEXT, active_turn_id TEXT, updated_at TEXT"},
    {"projection_threads", ""},
    {"projection_turns", ", turn_id TEXT, state TEXT, requested_at TEXT, started_at TEXT, completed_at TEXT"},
    {"provider_session_runtime", ""},
};

void store_time(long plus_s, char out[TIME_SIZE])
{
	struct timespec now;
	struct tm tm;
	char day[24];
	time_t t;

	clock_gettime(CLOCK_REALTIME, &now);
	t = now.tv_sec + plus_s;
	gmtime_r(&t, &tm);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, TIME_SIZE, "%s.%03ldZ", day, now.tv_nsec / 1000000);
}

const char *store_error(struct store *s)
{
	return sqlite3_errmsg(s->db);
}

static int run(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

/* Runs one statement with text values (at most four, up to the first NULL).  1: it gave a row,
 * whose first column is in out; 0: none; -EIO. */
static int query(struct store *s, const char *sql, const char *const values[4], char *out, size_t size)
{
	sqlite3_stmt *st;
	int r;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return -EIO;
	for (int i = 0; values && i < 4 && values[i]; i++)
		sqlite3_bind_text(st, i + 1, values[i], -1, SQLITE_TRANSIENT);
	r = sqlite3_step(st);
	if (r == SQLITE_ROW && out)
		snprintf(out, size, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : -EIO;
}

static int migration_reached(struct store *s)
{
	char text[16] = "0";

	query(s, "SELECT coalesce(max(migration_id), 0) FROM effect_sql_migrations", NULL, text, sizeof text);
	return (int)strtol(text, NULL, 10);
}

static int auth_tables_create(struct store *s, const char *rights)
{
	char sql[900];

	snprintf(sql, sizeof sql,
	         "DROP TABLE IF EXISTS auth_pairing_links; DROP TABLE IF EXISTS auth_sessions;"
	         "CREATE TABLE auth_pairing_links (id TEXT PRIMARY KEY, credential TEXT NOT NULL UNIQUE, subject "
	         "TEXT NOT NULL,"
	         " %s TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL, consumed_at TEXT, "
	         "revoked_at TEXT);"
	         "CREATE TABLE auth_sessions (session_id TEXT PRIMARY KEY, subject TEXT NOT NULL, %s TEXT NOT NULL,"
	         " method TEXT NOT NULL, issued_at TEXT NOT NULL, expires_at TEXT NOT NULL, revoked_at TEXT);",
	         rights, rights);
	return run(s, sql);
}

static int migration_apply(struct store *s, int id)
{
	char sql[320];
	int r = 0;

	if (id == 1)
		for (size_t i = 0; i < sizeof other_tables / sizeof other_tables[0] && r == 0; i++) {
			snprintf(sql, sizeof sql,
			         "CREATE TABLE %s (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT%s)",
			         other_tables[i].name, other_tables[i].columns);
			r = run(s, sql);
		}
	if (r == 0 && (id == 1 || id == 31 || id == 41)) /* 31, 41: sessions and pending credentials die */
		r = auth_tables_create(s, id == 1 ? "role" : id == 41 ? "grants" : "scopes");
	if (r == 0 && id == 41 && s->profile->loses_rows)
		r = run(s, "DELETE FROM orchestration_events WHERE id > 1");
	if (r == 0 && id == 32)
		r = run(s, "ALTER TABLE auth_sessions ADD COLUMN proof_key_thumbprint TEXT");
	snprintf(sql, sizeof sql, "INSERT INTO effect_sql_migrations VALUES (%d, datetime(), 'Migration%03d')", id,
	         id);
	return r ? r : run(s, sql);
}

/* A database that is already further is left as it is, without an error, as t3 does. */
static int migrate(struct store *s)
{
	int r = run(s, "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS effect_sql_migrations"
	               " (migration_id INTEGER PRIMARY KEY, created_at TEXT, name TEXT)");

	s->migrated_from = migration_reached(s);
	for (int id = s->migrated_from + 1; r == 0 && id <= s->profile->migration; id++)
		r = migration_apply(s, id);
	if (r == 0)
		return run(s, "COMMIT");
	run(s, "ROLLBACK");
	return r;
}

/* Reads the file, or makes it with these contents. */
static int file_keep(const char *path, void *contents, size_t len, mode_t mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd >= 0) {
		n = read(fd, contents, len);
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		n = fd < 0 ? -1 : write(fd, contents, len);
	}
	if (fd >= 0)
		close(fd);
	return n == (ssize_t)len ? 0 : -EIO;
}

static int folders_make(struct store *s)
{
	static const char *const names[] = {"",       "userdata",  "userdata/logs",   "userdata/attachments",
	                                    "caches", "worktrees", "userdata/secrets"};
	char path[700];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", s->dir, names[i]);
		if (mkdir(path, strstr(path, "/secrets") ? 0700 : 0755) != 0 && errno != EEXIST)
			return -EIO;
	}
	token_random(s->key, sizeof s->key);
	token_uuid(s->environment_id);
	snprintf(path, sizeof path, "%s/userdata/secrets/server-signing-key.bin", s->dir);
	if (file_keep(path, s->key, sizeof s->key, 0600) != 0)
		return -EIO;
	snprintf(path, sizeof path, "%s/userdata/environment-id", s->dir);
	return file_keep(path, s->environment_id, UUID_SIZE - 1, 0644);
}

int store_open(struct store *s, const struct profile *profile, const char *dir, char *why, size_t why_size)
{
	char path[700];

	memset(s, 0, sizeof *s);
	s->profile = profile;
	if ((size_t)snprintf(s->dir, sizeof s->dir, "%s", dir) >= sizeof s->dir || folders_make(s) != 0) {
		snprintf(why, why_size, "SystemError: cannot make %s: %s", dir, strerror(errno));
		return -EIO;
	}
	snprintf(path, sizeof path, "%s/userdata/state.sqlite", s->dir);
	if (sqlite3_open(path, &s->db) == SQLITE_OK) {
		sqlite3_busy_timeout(s->db, 10000);
		if (run(s, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL") ==
		        0 &&
		    migrate(s) == 0)
			return 0;
	}
	snprintf(why, why_size, "PersistenceSqlError: %s", sqlite3_errmsg(s->db));
	store_close(s);
	return -EIO;
}

void store_close(struct store *s)
{
	sqlite3_close(s->db);
	s->db = NULL;
}

static const char *rights_column(const struct store *s)
{
	return s->profile->roles ? "role" : s->profile->migration >= 41 ? "grants" : "scopes";
}

int store_link_create(struct store *s, const char *subject, long ttl_s, struct pairing_link *out)
{
	char sql[260], now[TIME_SIZE];

	token_uuid(out->id);
	token_credential(out->credential);
	store_time(ttl_s, out->expires_at);
	store_time(0, now);
	snprintf(sql, sizeof sql,
	         "INSERT INTO auth_pairing_links (id, credential, subject, %s, created_at, expires_at)"
	         " VALUES (?1, ?2, ?3, '%s', '%s', ?4)",
	         rights_column(s), s->profile->roles ? "client" : SCOPES, now);
	return query(s, sql, (const char *const[4]){out->id, out->credential, subject, out->expires_at}, NULL, 0);
}

int store_link_consume(struct store *s, const char *credential, char subject[SUBJECT_SIZE])
{
	char sql[260], now[TIME_SIZE];
	int r;

	store_time(0, now);
	snprintf(sql, sizeof sql,
	         "UPDATE auth_pairing_links SET consumed_at = ?1 WHERE credential = ?2 AND consumed_at IS NULL"
	         " AND revoked_at IS NULL AND expires_at > ?1 RETURNING subject, %s",
	         rights_column(s));
	r = query(s, sql, (const char *const[4]){now, credential}, subject, SUBJECT_SIZE);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int store_session_create(struct store *s, const char *subject, struct session *out, char token[TOKEN_MAX])
{
	char sql[300], now[TIME_SIZE];

	token_uuid(out->id);
	store_time(30L * 86400, out->expires_at);
	store_time(0, now);
	snprintf(sql, sizeof sql,
	         "INSERT INTO auth_sessions (session_id, subject, %s, method, issued_at, expires_at)"
	         " VALUES (?1, ?4, '%s', 'browser-session-cookie', ?2, ?3)",
	         rights_column(s), s->profile->roles ? "client" : SCOPES);
	out->administrator = strcmp(subject, "client") != 0;
	token_sign(s->key, out->id, s->profile->payload_bytes, token);
	return query(s, sql, (const char *const[4]){out->id, now, out->expires_at, subject}, NULL, 0);
}

int store_session_find(struct store *s, const char *token, struct session *out)
{
	char sql[200], now[TIME_SIZE], row[TIME_SIZE + SUBJECT_SIZE];
	int r;

	if (!token_verify(s->key, token, out->id))
		return -ENOENT;
	store_time(0, now);
	snprintf(sql, sizeof sql,
	         "SELECT subject || ' ' || expires_at, %s FROM auth_sessions WHERE session_id = ?1 AND revoked_at IS"
	         " NULL AND expires_at > ?2",
	         rights_column(s));
	r = query(s, sql, (const char *const[4]){out->id, now}, row, sizeof row);
	if (r != 1)
		return r == 0 ? -ENOENT : r;
	out->administrator = strncmp(row, "client ", 7) != 0;
	snprintf(out->expires_at, sizeof out->expires_at, "%s", strchr(row, ' ') + 1);
	return 0;
}
