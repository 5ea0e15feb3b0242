/* SPDX-License-Identifier: MIT */
/*
 * What is known of one user's backups: a line of JSON each in TO/USER/manifest.jsonl, newest first.
 *
 *   {"file":"state-20261127T033000Z.sqlite","time":"2026-11-27T03:30:00Z","bytes":282624,"sha256":"...",
 *    "seconds":0.8,"reason":"scheduled","migration":32,"t3_version":"0.0.28","pinned":false,
 *    "verified":"2026-11-27T03:30:00Z","rows":{"orchestration_events":512,...}}
 *
 * The files are what counts: a line without its file is dropped, a file without a line (of an older t3ops, or of a
 * run that was killed between the two) gets one from its name.
 */
#ifndef T3OPS_PLUGINS_BACKUP_MANIFEST_H
#define T3OPS_PLUGINS_BACKUP_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define BACKUP_NAME_SIZE 64

/* Why it was made.  Each is kept by the rules by itself, so none takes another one's place. */
enum backup_reason { BACKUP_SCHEDULED, BACKUP_MANUAL, BACKUP_BEFORE_UPGRADE, BACKUP_REASONS };
/* "scheduled", "manual", "before-upgrade" */
const char *backup_reason_name(enum backup_reason reason);

struct backup_row {
	char file[BACKUP_NAME_SIZE];
	long long at_s; /* since 1970: when it was finished */
	long long bytes;
	char sha256[65];          /* of the file; "": not known */
	char database_sha256[65]; /* of the database in a file that is packed or encrypted; "": it is neither, or not
	                             known */
	long long database_bytes; /* likewise; 0 */
	long long files_bytes;    /* of the archive of other files beside it (include.h); 0: there is none */
	char files_sha256[65];    /* likewise; "" */
	long long files;          /* how many are in it */
	double seconds;           /* that it took; 0: not known */
	enum backup_reason reason;
	long long migration; /* the highest of effect_sql_migrations; -1: not known, or it has none */
	char t3_version[48]; /* "": not known */
	bool pinned;         /* stays until it is unpinned */
	bool damaged;        /* what it was verified to be later */
	long long verified_s;
	long long drilled_s; /* when a t3 server last worked on a copy of it (drill.h); 0: never */
	char fault[200];     /* why none did at the last drill; "": it did, or was not tried */
	json_t *rows;        /* {TABLE: rows}; owned; may be NULL */
};

struct manifest {
	struct backup_row *rows; /* newest first */
	size_t n;
	size_t unreadable; /* lines that were none */
};

/* The name of a backup of that second, without what makes it unique. */
void backup_name(char out[BACKUP_NAME_SIZE], long long at_s, enum backup_reason reason, bool packed, bool encrypted);
/* Whether the file is packed with zstd, or encrypted (what is both was packed first), by its name. */
bool backup_is_packed(const char *file);
bool backup_is_encrypted(const char *file);

/* What is there: names of backups only. */
struct backup_files {
	struct backup_file {
		char name[BACKUP_NAME_SIZE];
		long long bytes;
	} * rows;
	size_t n;
};

/* Ignores a name that is not one of a backup.  0 or -ENOMEM. */
int backup_files_add(struct backup_files *files, const char *name, long long bytes);
void backup_files_fini(struct backup_files *files);

/* Of those files, from what lines says of them (NULL: nothing).  0 or -errno. */
int manifest_make(struct manifest *m, FILE *lines, const struct backup_files *files);
/* Its lines.  False: it could not be written. */
bool manifest_print(const struct manifest *m, FILE *f);

/* Of the directory; without a file of that name it is made from the backups that are there.  0 or -errno. */
int manifest_read(int dir_fd, struct manifest *m);
/* Atomically, synced.  0 or -errno. */
int manifest_write(int dir_fd, const struct manifest *m);
void manifest_fini(struct manifest *m);

/* Takes row->rows.  0 or -ENOMEM. */
int manifest_add(struct manifest *m, const struct backup_row *row);
void manifest_remove(struct manifest *m, size_t i);

/* The name of the archive beside a backup. */
void backup_files_name(char out[BACKUP_NAME_SIZE], const char *file);
/* Both together. */
long long backup_row_bytes(const struct backup_row *row);

/* Whether nothing is known against it. */
bool backup_is_good(const struct backup_row *row);

/* The row that a person means: its file, a time or the beginning of one ("2026-11-27", "2026-11-27T03:30"; then the
 * newest within it), "newest" or "": the newest good one.  NULL: none. */
struct backup_row *manifest_find(const struct manifest *m, const char *at);

/* As in the file; a new reference, NULL without memory. */
json_t *backup_row_json(const struct backup_row *row);

#endif
