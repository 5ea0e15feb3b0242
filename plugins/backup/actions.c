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
#include "restore.h"

struct action {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct backup_dir *dir;
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
	for (size_t i = 0; i < a->dir->manifest.n; i++)
		row_report(a, &a->dir->manifest.rows[i]);
	return 0;
}

/* The backup of the argument `at`, else the newest good one; NULL with the reason. */
static struct backup_row *row_choose(struct action *a)
{
	const char *at = a->ctx->host->argument(a->ctx, "at");
	struct backup_row *row = manifest_find(&a->dir->manifest, at != NULL ? at : "");

	if (row == NULL)
		snprintf(a->why, a->why_size, "%.200s has no good backup%s%.64s", a->dir->path,
		         at != NULL && *at != '\0' ? " of " : "", at != NULL ? at : "");
	return row;
}

static int manifest_save(struct action *a)
{
	int r = manifest_write(a->dir->fd, &a->dir->manifest);

	if (r < 0)
		snprintf(a->why, a->why_size, "the manifest of %.200s cannot be written: %s", a->dir->path,
		         strerror(-r));
	return r;
}

/* ---- verify ----------------------------------------------------------------------------------------------- */

static int digest_compare(struct action *a, struct backup_row *row)
{
	int fd = openat(a->dir->fd, row->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
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
	int r = backup_dir_database(a->dir, row, a->until_us, path, a->why, a->why_size);

	if (r == 0)
		r = copy_verify(path, a->until_us, &facts, a->why, a->why_size);
	if (r == 0)
		r = digest_compare(a, row);
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
	struct backup_row *good = manifest_find(&a->dir->manifest, "");

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
	if (damaged)
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

int action_run(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action, struct backup_dir *dir,
               uint64_t until_us, char *why, size_t why_size)
{
	struct action a = {ctx, user, dir, until_us, why, why_size};

	if (strcmp(action, "list") == 0)
		return list(&a);
	if (strcmp(action, "verify") == 0)
		return verify(&a);
	if (strcmp(action, "pin") == 0)
		return pin(&a, true);
	if (strcmp(action, "unpin") == 0)
		return pin(&a, false);
	if (strcmp(action, "restore") == 0)
		return restore(ctx, user, dir, until_us, why, why_size);
	return -ENOSYS;
}
