/* SPDX-License-Identifier: MIT */
/* Reading, writing and searching manifest.jsonl; see manifest.h. */
#include "manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MANIFEST  "manifest.jsonl"
#define NEW       ".manifest.new"
#define STAMP     "state-%Y%m%dT%H%M%SZ"
#define TIME_TEXT "%Y-%m-%dT%H:%M:%SZ"
#define DIGITS6   "[0-9][0-9][0-9][0-9][0-9][0-9]"
#define PACKED    ".zst"
#define ENCRYPTED ".enc"
#define PATTERN   "state-" DIGITS6 "[0-9][0-9]T" DIGITS6 "Z"

/* What a file of that reason is called after its time. */
static const struct {
	const char *name, *suffix;
} reasons[BACKUP_REASONS] = {
    [BACKUP_SCHEDULED] = {"scheduled", ".sqlite"},
    [BACKUP_MANUAL] = {"manual", "-manual.sqlite"},
    [BACKUP_BEFORE_UPGRADE] = {"before-upgrade", "-before-upgrade.sqlite"},
};

const char *backup_reason_name(enum backup_reason reason)
{
	return reasons[reason].name;
}

void backup_name(char out[BACKUP_NAME_SIZE], long long at_s, enum backup_reason reason, bool packed, bool encrypted)
{
	time_t at = (time_t)at_s;
	struct tm tm;
	size_t len;

	gmtime_r(&at, &tm);
	len = strftime(out, BACKUP_NAME_SIZE, STAMP, &tm);
	snprintf(out + len, BACKUP_NAME_SIZE - len, "%s%s%s", reasons[reason].suffix, packed ? PACKED : "",
	         encrypted ? ENCRYPTED : "");
}

bool backup_is_packed(const char *file)
{
	return fnmatch("*" PACKED, file, 0) == 0 || fnmatch("*" PACKED ENCRYPTED, file, 0) == 0;
}

bool backup_is_encrypted(const char *file)
{
	return fnmatch("*" ENCRYPTED, file, 0) == 0;
}

void backup_files_name(char out[BACKUP_NAME_SIZE], const char *file)
{
	const char *tail = strstr(file, ".sqlite");

	snprintf(out, BACKUP_NAME_SIZE, "%.*s.files.tar%s", tail != NULL ? (int)(tail - file) : 0, file,
	         tail != NULL ? tail + strlen(".sqlite") : "");
}

long long backup_row_bytes(const struct backup_row *row)
{
	return row->bytes + row->files_bytes;
}

/* ---- times ---------------------------------------------------------------------------------------- */

static json_t *time_json(long long at_s)
{
	time_t at = (time_t)at_s;
	char text[32];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof text, TIME_TEXT, &tm);
	return json_string(text);
}

/* -1: it is none. */
static long long time_read(const char *text, const char *format)
{
	struct tm tm = {0};
	const char *end = text != NULL ? strptime(text, format, &tm) : NULL;

	return end != NULL ? (long long)timegm(&tm) : -1;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

json_t *backup_row_json(const struct backup_row *row)
{
	json_t *o = json_pack("{s:s, s:o, s:I, s:s, s:f, s:s, s:I, s:s, s:b, s:b, s:o}", "file", row->file, "time",
	                      time_json(row->at_s), "bytes", (json_int_t)row->bytes, "sha256", row->sha256, "seconds",
	                      row->seconds, "reason", reasons[row->reason].name, "migration",
	                      (json_int_t)row->migration, "t3_version", row->t3_version, "pinned", row->pinned,
	                      "damaged", row->damaged, "verified", time_json(row->verified_s));

	if (o != NULL && row->database_sha256[0] != '\0') {
		json_object_set_new(o, "database_sha256", json_string(row->database_sha256));
		json_object_set_new(o, "database_bytes", json_integer(row->database_bytes));
	}
	if (o != NULL && row->files_sha256[0] != '\0') {
		json_object_set_new(o, "files", json_integer(row->files));
		json_object_set_new(o, "files_bytes", json_integer(row->files_bytes));
		json_object_set_new(o, "files_sha256", json_string(row->files_sha256));
	}
	if (o != NULL && row->drilled_s > 0)
		json_object_set_new(o, "drilled", time_json(row->drilled_s));
	if (o != NULL && row->fault[0] != '\0')
		json_object_set_new(o, "fault", json_string(row->fault));
	if (o != NULL && row->rows != NULL)
		json_object_set(o, "rows", row->rows);
	return o;
}

/* The reason that a file's name tells; -1: it is no backup. */
static int reason_of_file(const char *name)
{
	char pattern[sizeof PATTERN + 32];

	for (int i = 0; i < BACKUP_REASONS; i++) {
		snprintf(pattern, sizeof pattern, "%s%s%s%s", PATTERN, reasons[i].suffix,
		         backup_is_packed(name) ? PACKED : "", backup_is_encrypted(name) ? ENCRYPTED : "");
		if (fnmatch(pattern, name, 0) == 0)
			return i;
	}
	return -1;
}

static void text_take(char *out, size_t size, const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	snprintf(out, size, "%s", text != NULL ? text : "");
}

static const struct backup_file *file_find(const struct backup_files *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->rows[i].name, name) == 0)
			return &files->rows[i];
	return NULL;
}

/* From the file alone. */
static void row_of_file(struct backup_row *row, const struct backup_file *file)
{
	*row = (struct backup_row){
	    .reason = (enum backup_reason)reason_of_file(file->name), .bytes = file->bytes, .migration = -1};
	snprintf(row->file, sizeof row->file, "%s", file->name);
	row->at_s = row->verified_s = time_read(file->name, STAMP);
}

/* False: the line is none, or its file is gone. */
static bool row_of_line(struct backup_row *row, const struct backup_files *files, const json_t *o)
{
	const json_t *rows = json_object_get(o, "rows");
	char name[BACKUP_NAME_SIZE], reason[32];
	const struct backup_file *file;
	long long at;

	text_take(name, sizeof name, o, "file");
	file = file_find(files, name);
	if (file == NULL)
		return false;
	row_of_file(row, file);
	text_take(reason, sizeof reason, o, "reason");
	for (int i = 0; i < BACKUP_REASONS; i++)
		if (strcmp(reason, reasons[i].name) == 0)
			row->reason = (enum backup_reason)i;
	at = time_read(json_string_value(json_object_get(o, "time")), TIME_TEXT);
	if (at >= 0)
		row->at_s = at;
	at = time_read(json_string_value(json_object_get(o, "verified")), TIME_TEXT);
	if (at >= 0)
		row->verified_s = at;
	at = time_read(json_string_value(json_object_get(o, "drilled")), TIME_TEXT);
	row->drilled_s = at > 0 ? at : 0;
	text_take(row->fault, sizeof row->fault, o, "fault");
	text_take(row->sha256, sizeof row->sha256, o, "sha256");
	text_take(row->database_sha256, sizeof row->database_sha256, o, "database_sha256");
	row->database_bytes = json_integer_value(json_object_get(o, "database_bytes"));
	row->files = json_integer_value(json_object_get(o, "files"));
	row->files_bytes = json_integer_value(json_object_get(o, "files_bytes"));
	text_take(row->files_sha256, sizeof row->files_sha256, o, "files_sha256");
	text_take(row->t3_version, sizeof row->t3_version, o, "t3_version");
	row->seconds = json_number_value(json_object_get(o, "seconds"));
	if (json_is_integer(json_object_get(o, "migration")))
		row->migration = json_integer_value(json_object_get(o, "migration"));
	row->pinned = json_is_true(json_object_get(o, "pinned"));
	row->damaged = json_is_true(json_object_get(o, "damaged"));
	row->rows = json_is_object(rows) ? json_incref((json_t *)rows) : NULL;
	return true;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

int manifest_add(struct manifest *m, const struct backup_row *row)
{
	struct backup_row *rows = realloc(m->rows, (m->n + 1) * sizeof *rows);
	size_t at = 0;

	if (rows == NULL)
		return -ENOMEM;
	m->rows = rows;
	while (at < m->n &&
	       (rows[at].at_s > row->at_s || (rows[at].at_s == row->at_s && strcmp(rows[at].file, row->file) > 0)))
		at++;
	memmove(&rows[at + 1], &rows[at], (m->n - at) * sizeof *rows);
	rows[at] = *row;
	m->n++;
	return 0;
}

void manifest_remove(struct manifest *m, size_t i)
{
	json_decref(m->rows[i].rows);
	memmove(&m->rows[i], &m->rows[i + 1], (m->n - i - 1) * sizeof *m->rows);
	m->n--;
}

void manifest_fini(struct manifest *m)
{
	while (m->n > 0)
		manifest_remove(m, m->n - 1);
	free(m->rows);
	*m = (struct manifest){0};
}

static struct backup_row *row_find(const struct manifest *m, const char *file)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->rows[i].file, file) == 0)
			return &m->rows[i];
	return NULL;
}

static int row_take(struct manifest *m, struct backup_row *row)
{
	int r = row_find(m, row->file) != NULL ? -EEXIST : manifest_add(m, row);

	if (r < 0)
		json_decref(row->rows);
	return r == -EEXIST ? 0 : r;
}

int backup_files_add(struct backup_files *files, const char *name, long long bytes)
{
	struct backup_file *rows;

	if (reason_of_file(name) < 0 || strlen(name) >= sizeof rows->name)
		return 0;
	rows = realloc(files->rows, (files->n + 1) * sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	files->rows = rows;
	rows[files->n].bytes = bytes;
	snprintf(rows[files->n].name, sizeof rows->name, "%s", name);
	files->n++;
	return 0;
}

void backup_files_fini(struct backup_files *files)
{
	free(files->rows);
	*files = (struct backup_files){0};
}

static int lines_read(struct manifest *m, FILE *f, const struct backup_files *files)
{
	struct backup_row row;
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	while (r == 0 && getline(&line, &size, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		if (!json_is_object(o))
			m->unreadable++;
		else if (row_of_line(&row, files, o))
			r = row_take(m, &row);
		json_decref(o);
	}
	if (r == 0 && ferror(f))
		r = -EIO;
	free(line);
	return r;
}

int manifest_make(struct manifest *m, FILE *lines, const struct backup_files *files)
{
	struct backup_row row;
	int r;

	*m = (struct manifest){0};
	r = lines != NULL ? lines_read(m, lines, files) : 0;
	for (size_t i = 0; i < files->n && r == 0; i++) {
		row_of_file(&row, &files->rows[i]);
		r = row_take(m, &row);
	}
	if (r < 0)
		manifest_fini(m);
	return r;
}

static int files_find(int dir_fd, struct backup_files *files)
{
	struct dirent **found;
	int n = scandirat(dir_fd, ".", &found, NULL, NULL), r = n < 0 ? -errno : 0;
	struct stat st;

	for (int i = 0; i < n; i++) {
		if (r == 0 && fstatat(dir_fd, found[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			r = backup_files_add(files, found[i]->d_name, st.st_size);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return r;
}

/* NULL with errno; ENOENT: there is none. */
static FILE *manifest_open(int dir_fd)
{
	int fd = openat(dir_fd, MANIFEST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (f == NULL && fd >= 0)
		close(fd);
	return f;
}

int manifest_read(int dir_fd, struct manifest *m)
{
	struct backup_files files = {0};
	FILE *f = manifest_open(dir_fd);
	int r = f == NULL && errno != ENOENT ? -errno : 0;

	*m = (struct manifest){0};
	if (r == 0)
		r = files_find(dir_fd, &files);
	if (r == 0)
		r = manifest_make(m, f, &files);
	backup_files_fini(&files);
	if (f != NULL)
		fclose(f);
	return r;
}

bool manifest_print(const struct manifest *m, FILE *f)
{
	bool ok = true;

	for (size_t i = 0; i < m->n && ok; i++) {
		json_t *o = backup_row_json(&m->rows[i]);

		ok = o != NULL && json_dumpf(o, f, JSON_COMPACT) == 0 && fputc('\n', f) != EOF;
		json_decref(o);
	}
	return ok && fflush(f) == 0;
}

int manifest_write(int dir_fd, const struct manifest *m)
{
	int fd, r = 0;
	FILE *f;

	unlinkat(dir_fd, NEW, 0);
	fd = openat(dir_fd, NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (f == NULL) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	errno = 0;
	if (!manifest_print(m, f) || fsync(fileno(f)) < 0)
		r = errno != 0 ? -errno : -EIO;
	fclose(f);
	if (r == 0 && (renameat(dir_fd, NEW, dir_fd, MANIFEST) < 0 || fsync(dir_fd) < 0))
		r = -errno;
	return r;
}

/* ---- what a person means ---------------------------------------------------------------------------------- */

bool backup_is_good(const struct backup_row *row)
{
	return !row->damaged && row->fault[0] == '\0';
}

static bool is_meant(const struct backup_row *row, const char *at)
{
	json_t *text = time_json(row->at_s);
	bool is = strcmp(row->file, at) == 0 || strncmp(json_string_value(text), at, strlen(at)) == 0;

	json_decref(text);
	return is;
}

struct backup_row *manifest_find(const struct manifest *m, const char *at)
{
	bool any = at[0] == '\0' || strcmp(at, "newest") == 0;

	for (size_t i = 0; i < m->n; i++)
		if (any ? backup_is_good(&m->rows[i]) : is_meant(&m->rows[i], at))
			return &m->rows[i];
	return NULL;
}
