/* SPDX-License-Identifier: MIT */
/* See actions.h. */
#include "actions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/copy.h"
#include "digest.h"
#include "remote.h"
#include "restore.h"

struct action {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct backup_dir *dir;
	struct remote *remote;     /* NULL: it is about the backups on this machine */
	struct manifest *manifest; /* of those that it is about */
	uint64_t until_us;
	char *why;
	size_t why_size;
};

static const char *state_name(const struct backup_row *row)
{
	return row->damaged ? "damaged" : row->sha256[0] != '\0' ? "good" : "not verified";
}

/* One row of the answer. */
static void row_report(const struct action *a, const struct backup_row *row)
{
	const struct t3ops_host *host = a->ctx->host;
	json_t *o = backup_row_json(row);

	host->report(a->ctx, "time", "%s", json_string_value(json_object_get(o, "time")));
	host->report(a->ctx, "bytes", "%lld", row->bytes);
	host->report(a->ctx, "reason", "%s", backup_reason_name(row->reason));
	host->report(a->ctx, "state", "%s", state_name(row));
	host->report(a->ctx, "pinned", "%s", row->pinned ? "yes" : "no");
	if (row->migration >= 0)
		host->report(a->ctx, "migration", "%lld", row->migration);
	host->report(a->ctx, "verified", "%s", json_string_value(json_object_get(o, "verified")));
	host->report(a->ctx, "file", "%s", row->file);
	host->report_row(a->ctx);
	json_decref(o);
}

static int list(struct action *a)
{
	for (size_t i = 0; i < a->manifest->n; i++)
		row_report(a, &a->manifest->rows[i]);
	return 0;
}

/* The backup of the argument `at`, else the newest good one; NULL with the reason. */
static struct backup_row *row_choose(struct action *a)
{
	const char *at = a->ctx->host->argument(a->ctx, "at");
	struct backup_row *row = manifest_find(a->manifest, at != NULL ? at : "");

	if (row == NULL)
		snprintf(a->why, a->why_size, "%.200s has no good backup%s%.64s",
		         a->remote != NULL ? a->remote->dir : a->dir->path, at != NULL && *at != '\0' ? " of " : "",
		         at != NULL ? at : "");
	return row;
}

static int manifest_save(struct action *a)
{
	int r = a->remote != NULL ? remote_save(a->remote) : manifest_write(a->dir->fd, a->manifest);

	if (r < 0 && a->remote == NULL)
		snprintf(a->why, a->why_size, "the manifest of %.200s cannot be written: %s", a->dir->path,
		         strerror(-r));
	return r;
}

/* Its file is in the directory afterwards; under which name. */
static int row_fetch(struct action *a, const struct backup_row *row, const char **stored)
{
	*stored = a->remote != NULL ? BACKUP_DIR_FETCHED : row->file;
	return a->remote != NULL ? remote_fetch(a->remote, a->dir, row, *stored) : 0;
}

/* ---- verify ----------------------------------------------------------------------------------------------- */

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

static int row_verify(struct action *a, struct backup_row *row)
{
	struct copy_facts facts = {.rows = NULL};
	char path[PATH_MAX];
	const char *stored;
	int r = row_fetch(a, row, &stored);

	if (r == 0)
		r = backup_dir_database(a->dir, row, stored, a->until_us, path, a->why, a->why_size);

	if (r == 0)
		r = copy_verify(path, a->until_us, &facts, a->why, a->why_size);
	if (r == 0)
		r = digest_compare(a, row, stored);
	if (r == 0) {
		row->migration = facts.migration;
		row->verified_s = (long long)(a->ctx->host->wall_us(a->ctx) / 1000000);
	}
	copy_facts_fini(&facts);
	return r;
}

/* The newest good one stays, now that one is lost. */
static void newest_pin(struct action *a)
{
	struct backup_row *good = manifest_find(a->manifest, "");

	if (good == NULL)
		return;
	good->pinned = true;
	row_report(a, good);
}

static int verify(struct action *a)
{
	struct backup_row *row = row_choose(a);
	int r = row != NULL ? row_verify(a, row) : -ENOENT;
	bool damaged = r == -EBADMSG || r == -ENODATA;

	if (row == NULL || (r < 0 && !damaged))
		return r;
	row->damaged = damaged;
	row_report(a, row);
	if (damaged && a->remote == NULL)
		newest_pin(a);
	return manifest_save(a) < 0 ? -EIO : r;
}

/* ---- pin -------------------------------------------------------------------------------------------------- */

static int pin(struct action *a, bool pinned)
{
	struct backup_row *row = row_choose(a);

	if (row == NULL)
		return -ENOENT;
	row->pinned = pinned;
	row_report(a, row);
	return manifest_save(a);
}

static int hold_release(struct action *a)
{
	for (size_t i = 0; i < a->manifest->n; i++) {
		struct backup_row *row = &a->manifest->rows[i];

		if (row->reason != BACKUP_BEFORE_UPGRADE || !row->pinned)
			continue;
		row->pinned = false;
		row_report(a, row);
	}
	return manifest_save(a);
}

static int bring_back(struct action *a)
{
	const struct backup_row *row = row_choose(a);
	const char *stored;
	int r = row != NULL ? row_fetch(a, row, &stored) : -ENOENT;

	return r < 0 ? r : restore(a->ctx, a->user, a->dir, row, stored, a->until_us, a->why, a->why_size);
}

static int action_choose(struct action *a, const char *action)
{
	if (strcmp(action, "list") == 0)
		return list(a);
	if (strcmp(action, "verify") == 0)
		return verify(a);
	if (strcmp(action, "pin") == 0)
		return pin(a, true);
	if (strcmp(action, "unpin") == 0)
		return pin(a, false);
	if (strcmp(action, "release") == 0)
		return hold_release(a);
	if (strcmp(action, "restore") == 0)
		return bring_back(a);
	return -ENOSYS;
}

static bool is_remote(const struct action *a)
{
	return a->ctx->host->argument(a->ctx, "remote") != NULL ||
	       a->ctx->host->argument(a->ctx, "from-remote") != NULL;
}

static int action_remote(struct action *a, const char *action)
{
	struct remote remote;
	int r;

	if (!remote_is_set(a->ctx)) {
		snprintf(a->why, a->why_size, "the option s3_url names no store");
		return -ENOENT;
	}
	r = remote_open(&remote, a->ctx, a->user, a->until_us, a->why, a->why_size);
	a->remote = &remote;
	a->manifest = &remote.manifest;
	if (r == 0)
		r = action_choose(a, action);
	remote_close(&remote);
	return r;
}

int action_run(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action, struct backup_dir *dir,
               uint64_t until_us, char *why, size_t why_size)
{
	struct action a = {ctx, user, dir, NULL, &dir->manifest, until_us, why, why_size};

	return is_remote(&a) ? action_remote(&a, action) : action_choose(&a, action);
}
