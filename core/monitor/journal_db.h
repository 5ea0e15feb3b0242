/* SPDX-License-Identifier: MIT */
/* The journal's file: opened when needed, tried again when it failed, its first failure logged.  Monitor process. */
#ifndef T3OPS_MONITOR_JOURNAL_DB_H
#define T3OPS_MONITOR_JOURNAL_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct journal_db {
	char *path;
	sqlite3 *db;                   /* NULL: cannot be opened now */
	bool failing;                  /* and logged */
	int wal_pages;                 /* after the last commit; 0: not since a checkpoint was begun */
	struct checkpoint *checkpoint; /* that is being made; NULL: none */
};

/* Copies path; 0 or -ENOMEM.  The file is not touched yet. */
int journal_db_init(struct journal_db *j, const char *path);
void journal_db_fini(struct journal_db *j);
/* From now on somebody else's lock is waited for, as it is while the file is opened, and a checkpoint is over: this
 * is the end. */
void journal_db_be_patient(struct journal_db *j);

/* Whether it is open; opens or makes it if need be. */
bool journal_db_open(struct journal_db *j);
/* The caller finalizes it; NULL: failed. */
sqlite3_stmt *journal_db_prepare(struct journal_db *j, const char *sql);
/* Runs a statement that has no result and resets it. */
bool journal_db_run(sqlite3_stmt *s);
void journal_db_bind_text(sqlite3_stmt *s, int at, const char *text);
/* Whether the last failure was somebody else's lock. */
bool journal_db_is_busy(const struct journal_db *j);
/* After writing: what is in the write-ahead log goes into the file, in a thread, for that waits for the disk.  Then
 * the log is used from its beginning again. */
void journal_db_checkpoint(struct journal_db *j);
/* Whether the log has become so long that nothing is to be written until what is in it is in the file. */
bool journal_db_rests(struct journal_db *j);
/* Logs a failure, once; op: open prepare write prune. */
void journal_db_report(struct journal_db *j, const char *op);

#endif
