/* SPDX-License-Identifier: MIT */
/* Backups off the machine; see remote.h.  An object comes before its line, and goes after it. */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/user_path.h"
#include "s3_text.h"
#include "s3_upload.h"

#define MANIFEST  "manifest.jsonl"
#define LIST_MORE "<IsTruncated>true</IsTruncated>"
#define LIST_HEAD "<ListBucketResult"
#define LIST_END  "</ListBucketResult>"

static int say(const struct remote *r, int error, const char *what, const char *detail)
{
	snprintf(r->why, r->why_size, "%.200s: %.120s", what, detail);
	return error;
}

static int key_make(const struct remote *r, char out[PATH_MAX], const char *file)
{
	return snprintf(out, PATH_MAX, "%s/%s", r->dir, file) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool remote_is_set(struct t3ops_ctx *ctx)
{
	return *ctx->host->opt_string(ctx, "s3_url") != '\0';
}

/* ---- what is there ------------------------------------------------------------------------------------- */

/* Of one answer to a list request; last: the name of the last key. */
static int page_take(const char *text, struct backup_files *files, char last[PATH_MAX])
{
	char key[PATH_MAX], size[32];
	const char *slash;
	int r = 0;

	while (r == 0 && s3_element(&text, "Key", key, sizeof key)) {
		snprintf(last, PATH_MAX, "%s", key);
		slash = strrchr(key, '/');
		if (s3_element(&text, "Size", size, sizeof size))
			r = backup_files_add(files, slash != NULL ? slash + 1 : key, strtoll(size, NULL, 10));
	}
	return r;
}

static int query_make(const struct remote *r, char *out, size_t size, const char *after)
{
	char prefix[3 * sizeof r->dir + 8], start[2048] = "";
	char dir[sizeof r->dir + 2];
	int error;

	snprintf(dir, sizeof dir, "%s/", r->dir);
	error = s3_escape(prefix, sizeof prefix, dir, '\0');
	if (error == 0)
		error = s3_escape(start, sizeof start, after, '\0');
	if (error == 0 && snprintf(out, size, "list-type=2&prefix=%s%s%s", prefix,
	                           *after != '\0' ? "&start-after=" : "", start) >= (int)size)
		error = -ENAMETOOLONG;
	return error < 0 ? say(r, error, r->dir, "its name is too long") : 0;
}

/* What answers 200 and is no list, as a page to sign in at, would else be an empty one: then everything that is there
 * would be forgotten. */
static int page_check(const struct remote *r, const char *text)
{
	return text != NULL && strstr(text, LIST_HEAD) != NULL && strstr(text, LIST_END) != NULL
	           ? 0
	           : say(r, -EPROTO, r->dir, "the store's answer is no list of objects");
}

static int page_get(struct remote *r, const char *after, struct s3_sink *page)
{
	char query[3500];
	int error = query_make(r, query, sizeof query, after);

	if (error == 0)
		error = s3_request(&r->s3, "GET", "", query, NULL, page);
	return error == 0 ? page_check(r, page->text) : error;
}

static int files_list(struct remote *r, struct backup_files *files)
{
	struct s3_sink page = {.fd = -1};
	char last[PATH_MAX] = "", before[PATH_MAX];
	bool more = true;
	int error = 0;

	while (more && error == 0) {
		memcpy(before, last, sizeof before);
		error = page_get(r, before, &page);
		if (error == 0)
			error = page_take(page.text, files, last);
		more = error == 0 && strstr(page.text, LIST_MORE) != NULL;
		if (more && strcmp(last, before) <= 0)
			error = say(r, -EPROTO, r->dir, "its list of objects does not go on");
	}
	free(page.text);
	return error;
}

static int manifest_get(struct remote *r, const struct backup_files *files)
{
	struct s3_sink sink = {.fd = -1};
	char key[PATH_MAX];
	FILE *lines = NULL;
	int error = key_make(r, key, MANIFEST);

	if (error == 0)
		error = s3_request(&r->s3, "GET", key, NULL, NULL, &sink);
	if (error == -ENOENT)
		error = 0;
	if (error == 0 && sink.len > 0 && sink.text[0] != '{')
		error = say(r, -EPROTO, key, "the manifest there is none");
	if (error == 0 && sink.len > 0 && (lines = fmemopen(sink.text, sink.len, "r")) == NULL)
		error = -ENOMEM;
	if (error == 0)
		error = manifest_make(&r->manifest, lines, files);
	if (lines != NULL)
		fclose(lines);
	free(sink.text);
	return error;
}

static void dir_make(struct remote *r, const struct t3ops_user *user)
{
	const char *prefix = r->ctx->host->opt_string(r->ctx, "s3_prefix");

	while (*prefix == '/')
		prefix++;
	snprintf(r->dir, sizeof r->dir, "%.700s%s%.255s", prefix,
	         *prefix != '\0' && prefix[strlen(prefix) - 1] != '/' ? "/" : "", user->name);
}

int remote_open(struct remote *r, struct t3ops_ctx *ctx, const struct t3ops_user *user, uint64_t until_us, char *why,
                size_t why_size)
{
	const struct t3ops_host *host = ctx->host;
	struct s3_options o = {.url = host->opt_string(ctx, "s3_url"),
	                       .region = host->opt_string(ctx, "s3_region"),
	                       .ca_file = host->opt_string(ctx, "s3_ca_file"),
	                       .until_us = until_us};
	struct backup_files files = {0};
	int error;

	*r = (struct remote){.ctx = ctx, .until_us = until_us, .why = why, .why_size = why_size};
	dir_make(r, user);
	error = user_path(r->credentials, sizeof r->credentials, host->opt_string(ctx, "s3_credentials"), user);
	if (error < 0)
		return say(r, error, "option s3_credentials cannot be filled in", strerror(-error));
	o.credentials = r->credentials;
	error = s3_open(&r->s3, &o, why, why_size);
	if (error == 0)
		error = files_list(r, &files);
	if (error == 0)
		error = manifest_get(r, &files);
	backup_files_fini(&files);
	return error;
}

void remote_close(struct remote *r)
{
	manifest_fini(&r->manifest);
	s3_close(&r->s3);
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

static int text_put(struct remote *r, const char *text, size_t len)
{
	struct s3_body body = {.fd = -1, .bytes = text, .len = (long long)len};
	struct digest *d = digest_new();
	char key[PATH_MAX];
	int error = d != NULL ? digest_feed(d, text, len) : -ENOMEM;

	if (error == 0)
		error = digest_end(d, body.sha256);
	digest_free(d);
	if (error == 0)
		error = key_make(r, key, MANIFEST);
	return error == 0 ? s3_request(&r->s3, "PUT", key, NULL, &body, NULL) : error;
}

static int manifest_send(struct remote *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool ok = f != NULL && manifest_print(&r->manifest, f);
	int error;

	ok = f != NULL && fclose(f) == 0 && ok;
	error = ok ? text_put(r, text, len) : -ENOMEM;
	free(text);
	return error;
}

static struct backup_row *row_find(const struct manifest *m, const char *file)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->rows[i].file, file) == 0)
			return &m->rows[i];
	return NULL;
}

static void row_drop(struct manifest *m, const char *file)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->rows[i].file, file) == 0) {
			manifest_remove(m, i);
			return;
		}
}

static int row_copy(struct manifest *m, const struct backup_row *row)
{
	int error = manifest_add(m, row);

	if (error == 0)
		json_incref(row->rows);
	return error;
}

/* What is known of it here holds there too. */
static void opinion_copy(struct backup_row *there, const struct backup_row *here)
{
	there->pinned = here->pinned;
	there->drilled_s = here->drilled_s;
	snprintf(there->fault, sizeof there->fault, "%s", here->fault);
}

/* What is there, and what is here and good. */
static int union_make(const struct remote *r, const struct manifest *here, struct manifest *both)
{
	int error = 0;

	*both = (struct manifest){0};
	for (size_t i = 0; i < r->manifest.n && error == 0; i++)
		error = row_copy(both, &r->manifest.rows[i]);
	for (size_t i = 0; i < here->n && error == 0; i++) {
		const struct backup_row *row = &here->rows[i];
		struct backup_row *there = row_find(both, row->file);

		if (there != NULL)
			opinion_copy(there, row);
		if (there != NULL && there->damaged)
			there->damaged = row->damaged; /* it can be sent again */
		if (there == NULL && !row->damaged)
			error = row_copy(both, row);
	}
	return error;
}

static int digest_here(const struct remote *r, const struct backup_dir *dir, struct backup_row *row)
{
	int fd = openat(dir->fd, row->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error;

	error = fd < 0 ? -errno : digest_file(fd, r->until_us, row->sha256);
	if (fd >= 0)
		close(fd);
	return error < 0 ? say(r, error, row->file, strerror(-error)) : 0;
}

static int file_send(struct remote *r, const struct backup_dir *dir, const char *file, const char *sha256)
{
	char key[PATH_MAX];
	struct s3_upload u = {.s = &r->s3,
	                      .dir_fd = dir->fd,
	                      .file = file,
	                      .key = key,
	                      .sha256 = sha256,
	                      .part_bytes = r->ctx->host->opt_int(r->ctx, "s3_part")};
	int error = key_make(r, key, file);

	if (error == 0)
		error = s3_upload(&u);
	if (error == 0 && u.parts_kept > 0)
		r->ctx->host->report(r->ctx, "remote_parts_resumed", "%u", u.parts_kept);
	return error;
}

/* The archive first: a backup that is there has its own. */
static int row_send(struct remote *r, const struct backup_dir *dir, struct backup_row *row)
{
	char files[BACKUP_NAME_SIZE];
	int error = 0;

	backup_files_name(files, row->file);
	if (row->sha256[0] == '\0') /* of an older t3ops */
		error = digest_here(r, dir, row);
	if (error == 0 && row->files_sha256[0] != '\0')
		error = file_send(r, dir, files, row->files_sha256);
	if (error == 0)
		error = file_send(r, dir, row->file, row->sha256);
	if (error == 0) {
		row_drop(&r->manifest, row->file);
		error = row_copy(&r->manifest, row);
	}
	return error == 0 ? manifest_send(r) : error;
}

/* Whether the file is the backup's, or the archive's beside it. */
static bool is_of(const struct backup_row *row, const char *file)
{
	char files[BACKUP_NAME_SIZE];

	backup_files_name(files, row->file);
	return strcmp(file, row->file) == 0 || strcmp(file, files) == 0;
}

/* Whether it is there, as good as it is here. */
static bool is_there(const struct remote *r, const struct backup_row *row)
{
	const struct backup_row *there = row_find(&r->manifest, row->file);

	return there != NULL && (!there->damaged || row->damaged);
}

/* The one whose upload was begun first, or all the others. */
static int some_send(struct remote *r, const struct backup_dir *dir, const struct manifest *both,
                     const enum retention_fate *fates, const char *only, unsigned *sent)
{
	int error = 0;

	for (size_t i = 0; i < both->n && error == 0; i++) {
		struct backup_row *row = &both->rows[i];

		if (fates[i] != RETENTION_STAYS || is_there(r, row) || (only != NULL && !is_of(row, only)))
			continue;
		error = row_send(r, dir, row);
		*sent += error == 0;
	}
	return error;
}

/* All that is wanted is there: what was begun and is not over is not wanted any more. */
static void rest_give_up(struct remote *r, const struct backup_dir *dir)
{
	char begun[BACKUP_NAME_SIZE];

	if (!s3_upload_pending(dir->fd, begun, sizeof begun))
		return;
	if (s3_upload_give_up(&r->s3, dir->fd) == 0)
		r->ctx->host->report(r->ctx, "remote_given_up", "%s", begun);
	else
		r->ctx->host->report(r->ctx, "remote_cannot_give_up", "%s", r->why);
}

static int all_send(struct remote *r, const struct backup_dir *dir, const struct manifest *both,
                    const enum retention_fate *fates)
{
	char begun[BACKUP_NAME_SIZE];
	unsigned sent = 0;
	int error = 0;

	if (s3_upload_pending(dir->fd, begun, sizeof begun))
		error = some_send(r, dir, both, fates, begun, &sent);
	if (error == 0)
		error = some_send(r, dir, both, fates, NULL, &sent);
	if (error == 0)
		rest_give_up(r, dir);
	r->ctx->host->report(r->ctx, "remote_sent", "%u", sent);
	return error;
}

/* ---- what stays there ---------------------------------------------------------------------------------------- */

static int object_remove(struct remote *r, const char *file)
{
	char key[PATH_MAX];
	int error = key_make(r, key, file);

	if (error == 0)
		error = s3_request(&r->s3, "DELETE", key, NULL, NULL, NULL);
	return error == -ENOENT ? 0 : error;
}

static int row_remove(struct remote *r, const struct backup_row *row)
{
	char files[BACKUP_NAME_SIZE];
	int error = 0;

	backup_files_name(files, row->file);
	if (row->files_sha256[0] != '\0')
		error = object_remove(r, files);
	return error == 0 ? object_remove(r, row->file) : error;
}

/* What never was there needs no removing. */
static void absent_skip(const struct remote *r, const struct manifest *both, enum retention_fate *fates)
{
	for (size_t i = 0; i < both->n; i++)
		if (row_find(&r->manifest, both->rows[i].file) == NULL)
			fates[i] = RETENTION_STAYS;
}

/* The lines first: an object without one would be found again, a line without its object would be a lie. */
static int rest_remove(struct remote *r, const struct manifest *both, enum retention_fate *fates)
{
	int error;

	absent_skip(r, both, fates);
	for (size_t i = 0; i < both->n; i++)
		if (fates[i] != RETENTION_STAYS)
			row_drop(&r->manifest, both->rows[i].file);
	for (size_t i = 0; i < r->manifest.n; i++)
		opinion_copy(&r->manifest.rows[i], row_find(both, r->manifest.rows[i].file));
	error = manifest_send(r);
	for (size_t i = 0; i < both->n && error == 0; i++)
		if (fates[i] != RETENTION_STAYS)
			error = row_remove(r, &both->rows[i]);
	return error;
}

int remote_sync(struct remote *r, const struct backup_dir *dir, const struct retention *rules, const char *made)
{
	long long now_s = (long long)(r->ctx->host->wall_us(r->ctx) / 1000000);
	enum retention_fate *fates = NULL;
	struct manifest both;
	int error = union_make(r, &dir->manifest, &both);

	if (error == 0 && (fates = calloc(both.n + 1, sizeof *fates)) == NULL)
		error = -ENOMEM;
	if (error == 0) {
		retention_decide(&both, rules, made, now_s, fates);
		error = all_send(r, dir, &both, fates);
	}
	if (error == 0)
		error = rest_remove(r, &both, fates);
	if (error == 0)
		r->ctx->host->report(r->ctx, "remote_kept", "%zu", r->manifest.n);
	else if (error == -ENOMEM)
		say(r, error, r->dir, strerror(ENOMEM));
	free(fates);
	manifest_fini(&both);
	return error;
}

/* ---- fetching -------------------------------------------------------------------------------------------------- */

struct wanted {
	const char *file, *sha256, *as; /* as: its name in the directory of backups */
	long long bytes;
};

static int fetched_compare(struct remote *r, int fd, const struct wanted *w)
{
	char digest[DIGEST_SIZE];
	int error = digest_file(fd, r->until_us, digest);

	if (error < 0)
		return say(r, error, w->file, strerror(-error));
	if (w->sha256[0] != '\0' && strcmp(w->sha256, digest) != 0)
		return say(r, -EBADMSG, w->file, "its SHA-256 in the store is not what it was");
	return 0;
}

int remote_save(struct remote *r)
{
	return manifest_send(r);
}

static int file_fetch(struct remote *r, const struct backup_dir *dir, const struct wanted *w)
{
	struct s3_sink sink = {.fd = -1, .most = w->bytes};
	char key[PATH_MAX];
	int error = key_make(r, key, w->file);

	unlinkat(dir->fd, w->as, 0);
	sink.fd = openat(dir->fd, w->as, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (sink.fd < 0)
		return say(r, -errno, w->as, strerror(errno));
	if (error == 0)
		error = s3_request(&r->s3, "GET", key, NULL, NULL, &sink);
	if (error == -EMSGSIZE)
		error = say(r, -EBADMSG, w->file, "it is longer than the store's list says");
	if (error == 0)
		error = fetched_compare(r, sink.fd, w);
	close(sink.fd);
	return error;
}

int remote_fetch(struct remote *r, const struct backup_dir *dir, const struct backup_row *row)
{
	char files[BACKUP_NAME_SIZE];
	const struct wanted database = {row->file, row->sha256, BACKUP_DIR_FETCHED, row->bytes},
	                    archive = {files, row->files_sha256, BACKUP_DIR_FETCHED_FILES, row->files_bytes};
	int error = file_fetch(r, dir, &database);

	backup_files_name(files, row->file);
	return error == 0 && row->files_sha256[0] != '\0' ? file_fetch(r, dir, &archive) : error;
}
