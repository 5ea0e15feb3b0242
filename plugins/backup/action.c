/* SPDX-License-Identifier: MIT */
/* See action.h. */
#include "action.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/copy.h"
#include "digest.h"
#include "include.h"

static const char *state_name(const struct backup_row *row)
{
	if (row->damaged)
		return "damaged";
	if (row->fault[0] != '\0')
		return "fails its drill";
	return row->sha256[0] != '\0' ? "good" : "not verified";
}

void action_report(const struct action *a, const struct backup_row *row)
{
	const struct t3ops_host *host = a->ctx->host;
	json_t *o = backup_row_json(row);

	host->report(a->ctx, "time", "%s", json_string_value(json_object_get(o, "time")));
	host->report(a->ctx, "bytes", "%lld", backup_row_bytes(row));
	if (row->files_sha256[0] != '\0')
		host->report(a->ctx, "files", "%lld", row->files);
	host->report(a->ctx, "reason", "%s", backup_reason_name(row->reason));
	host->report(a->ctx, "state", "%s", state_name(row));
	host->report(a->ctx, "pinned", "%s", row->pinned ? "yes" : "no");
	if (row->migration >= 0)
		host->report(a->ctx, "migration", "%lld", row->migration);
	host->report(a->ctx, "verified", "%s", json_string_value(json_object_get(o, "verified")));
	if (row->drilled_s > 0)
		host->report(a->ctx, "drilled", "%s", json_string_value(json_object_get(o, "drilled")));
	host->report(a->ctx, "file", "%s", row->file);
	if (row->fault[0] != '\0')
		host->report(a->ctx, "fault", "%s", row->fault);
	host->report_row(a->ctx);
	json_decref(o);
}

void action_note_none(const struct action *a)
{
	a->ctx->host->report(a->ctx, "note", "there is no backup%s", a->remote != NULL ? " in the store" : "");
}

struct backup_row *action_choose(struct action *a)
{
	const char *at = a->ctx->host->argument(a->ctx, "at");
	struct backup_row *row = NULL;

	if (at != NULL && *at == '\0') {
		snprintf(a->why, a->why_size,
		         "--at: expected a file's name, or a time in UTC or the beginning of one, as 2026-11-27");
		return NULL;
	}
	row = manifest_find(a->manifest, at != NULL ? at : "");
	if (row == NULL)
		snprintf(a->why, a->why_size, "%.200s has no good backup%s%.64s; backup list shows what there is",
		         a->remote != NULL ? a->remote->dir : a->dir->path, at != NULL ? " of " : "",
		         at != NULL ? at : "");
	return row;
}

int action_save(struct action *a)
{
	int r = a->remote != NULL ? remote_save(a->remote) : manifest_write(a->dir->fd, a->manifest);

	if (r < 0 && a->remote == NULL)
		snprintf(a->why, a->why_size, "the manifest of %.200s cannot be written: %s", a->dir->path,
		         strerror(-r));
	return r;
}

int action_fetch(struct action *a, const struct backup_row *row, const char **stored)
{
	*stored = a->remote != NULL ? BACKUP_DIR_FETCHED : row->file;
	return a->remote != NULL ? remote_fetch(a->remote, a->dir, row) : 0;
}

static int digest_compare(struct action *a, struct backup_row *row, const char *stored)
{
	int fd = openat(a->dir->fd, stored, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
	char digest[DIGEST_SIZE] = "";

	r = fd < 0 ? -errno : digest_file(fd, a->until_us, digest);
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		snprintf(a->why, a->why_size, "%s: %s", row->file, strerror(-r));
		return r;
	}
	if (row->sha256[0] != '\0' && strcmp(row->sha256, digest) != 0) {
		snprintf(a->why, a->why_size, "%s: its SHA-256 is not what it was", row->file);
		return -EBADMSG;
	}
	snprintf(row->sha256, sizeof row->sha256, "%s", digest);
	return 0;
}

int action_files(struct action *a, const struct backup_row *row)
{
	char name[BACKUP_NAME_SIZE];

	backup_files_name(name, row->file);
	return backup_dir_files(a->dir, row, a->remote != NULL ? BACKUP_DIR_FETCHED_FILES : name, a->until_us, a->why,
	                        a->why_size);
}

static int files_verify(struct action *a, const struct backup_row *row)
{
	int fd, r;

	if (row->files_sha256[0] == '\0')
		return 0;
	fd = action_files(a, row);
	if (fd < 0)
		return fd;
	r = include_unpack(fd, NULL, a->until_us);
	close(fd);
	if (r < 0)
		snprintf(a->why, a->why_size, "%s: the archive of its other files: %s", row->file,
		         r == -EBADMSG ? "damaged" : strerror(-r));
	return r;
}

int action_verify(struct action *a, struct backup_row *row, char path[PATH_MAX])
{
	struct copy_facts facts = {.rows = NULL};
	const char *stored;
	int r = action_fetch(a, row, &stored);

	if (r == 0)
		r = backup_dir_database(a->dir, row, stored, a->until_us, path, a->why, a->why_size);
	if (r == 0)
		r = copy_verify(path, a->until_us, &facts, a->why, a->why_size);
	if (r == 0)
		r = digest_compare(a, row, stored);
	if (r == 0)
		r = files_verify(a, row);
	if (r == 0) {
		row->migration = facts.migration;
		row->verified_s = (long long)(a->ctx->host->wall_us(a->ctx) / 1000000);
	}
	copy_facts_fini(&facts);
	return r;
}
