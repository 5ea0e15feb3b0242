/* SPDX-License-Identifier: MIT */
/* See actions.h. */
#include "actions.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "action.h"
#include "drill.h"
#include "restore.h"

static int list(struct action *a)
{
	if (a->manifest->n == 0)
		action_note_none(a);
	for (size_t i = 0; i < a->manifest->n; i++)
		action_report(a, &a->manifest->rows[i]);
	return 0;
}

/* ---- verify ----------------------------------------------------------------------------------------------- */

/* The newest good one stays, now that one is lost. */
static void newest_pin(struct action *a)
{
	struct backup_row *good = manifest_find(a->manifest, "");

	if (good == NULL)
		return;
	good->pinned = true;
	action_report(a, good);
}

static int verify(struct action *a)
{
	struct backup_row *row = action_choose(a);
	char path[PATH_MAX];
	int r = row != NULL ? action_verify(a, row, path) : -ENOENT;
	bool damaged = r == -EBADMSG || r == -ENODATA;

	if (row == NULL || (r < 0 && !damaged))
		return r;
	row->damaged = damaged;
	action_report(a, row);
	if (damaged && a->remote == NULL)
		newest_pin(a);
	return action_save(a) < 0 ? -EIO : r;
}

/* ---- pin -------------------------------------------------------------------------------------------------- */

static int pin(struct action *a, bool pinned)
{
	struct backup_row *row = action_choose(a);

	if (row == NULL)
		return -ENOENT;
	row->pinned = pinned;
	action_report(a, row);
	return action_save(a);
}

static int hold_release(struct action *a)
{
	for (size_t i = 0; i < a->manifest->n; i++) {
		struct backup_row *row = &a->manifest->rows[i];

		if (row->reason != BACKUP_BEFORE_UPGRADE || !row->pinned)
			continue;
		row->pinned = false;
		action_report(a, row);
	}
	return action_save(a);
}

static int bring_back(struct action *a)
{
	const struct backup_row *row = action_choose(a);
	bool files = row != NULL && row->files_sha256[0] != '\0' &&
	             a->ctx->host->argument(a->ctx, "database-only") == NULL;
	const char *stored;
	int r = row != NULL ? action_fetch(a, row, &stored) : -ENOENT, fd = -1;

	if (r == 0 && files)
		r = fd = action_files(a, row);
	if (r >= 0)
		r = restore(a->ctx, a->user, a->dir, row, stored, fd, a->until_us, a->why, a->why_size);
	if (fd >= 0)
		close(fd);
	return r;
}

static int pin_it(struct action *a)
{
	return pin(a, true);
}

static int unpin_it(struct action *a)
{
	return pin(a, false);
}

static int action_do(struct action *a, const char *action)
{
	static const struct {
		const char *name;
		int (*run)(struct action *a);
	} rows[] = {{"list", list},      {"verify", verify},        {"drill", drill_run},   {"pin", pin_it},
	            {"unpin", unpin_it}, {"release", hold_release}, {"restore", bring_back}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, action) == 0)
			return rows[i].run(a);
	return -ENOSYS;
}

static bool is_remote(const struct action *a)
{
	return a->ctx->host->argument(a->ctx, "remote") != NULL;
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
		r = action_do(a, action);
	remote_close(&remote);
	return r;
}

int action_run(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action, struct backup_dir *dir,
               uint64_t until_us, char *why, size_t why_size)
{
	struct action a = {ctx, user, dir, NULL, &dir->manifest, until_us, why, why_size};

	return is_remote(&a) ? action_remote(&a, action) : action_do(&a, action);
}
