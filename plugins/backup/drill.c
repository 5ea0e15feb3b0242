/* SPDX-License-Identifier: MIT */
/* See drill.h. */
#include "drill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/copy.h"
#include "common/gentle.h"
#include "common/scratch.h"
#include "common/server_log.h"
#include "common/trial.h"
#include "common/user_path.h"
#include "drill_record.h"
#include "include.h"

#define SCRATCH       ".drill"
#define DATABASE_TAIL "/userdata/state.sqlite" /* of a base directory of t3 */

struct drill {
	struct action *action;
	char base_dir[PATH_MAX]; /* of the live t3 server */
	char database[PATH_MAX]; /* of that */
	char scratch[PATH_MAX];
	struct backup_row *good;   /* that works; NULL: none does */
	struct backup_row *failed; /* the newest that does not; NULL: none was found */
	bool *missed;              /* rows of the manifest that did not pair */
	char why[300];             /* of the newest that failed */
};

static int say(const struct drill *d, int error, const char *what, const char *detail)
{
	snprintf(d->action->why, d->action->why_size, "%s: %.260s", what, detail);
	return error;
}

static int scratch_path(const struct backup_dir *dir, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/" SCRATCH, dir->path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

void drill_sweep(const struct backup_dir *dir)
{
	char path[PATH_MAX];

	if (dir->fd >= 0 && scratch_path(dir, path) == 0)
		scratch_remove(path);
}

/* ---- one copy -------------------------------------------------------------------------------------------- */

/* 0; -EPROTO: the server missed a stage on it, as why says; else nothing is said about the copy. */
static int trial_make(struct drill *d, const struct scratch *s)
{
	struct action *a = d->action;
	const char *binds[] = {s->base, d->base_dir, NULL};
	struct trial t;
	int r;

	trial_run(&t, a->ctx, a->user, binds, a->until_us);
	r = t.error == -EPROTO && server_log_is_full(t.why) ? -ENOSPC : t.error;
	if (r < 0)
		snprintf(a->why, a->why_size, "%s", t.why);
	trial_fini(&t);
	return r;
}

/* What is in the archive beside a backup takes the place of what is live. */
static int files_put(struct drill *d, const struct backup_row *row, const struct scratch *s)
{
	char userdata[PATH_MAX];
	int fd, r;

	if (row == NULL || row->files_sha256[0] == '\0')
		return 0;
	if (snprintf(userdata, sizeof userdata, "%.4000s/userdata", s->base) >= (int)sizeof userdata)
		return -ENAMETOOLONG;
	fd = action_files(d->action, row);
	if (fd < 0)
		return fd;
	r = include_unpack(fd, userdata, d->action->until_us);
	close(fd);
	return r;
}

/* row: whose database it is; NULL: the live one's. */
static int copy_prove(struct drill *d, const struct backup_row *row, const char *database)
{
	struct scratch s;
	int r;

	scratch_remove(d->scratch);
	r = mkdir(d->scratch, 0700) < 0 ? -errno : scratch_make(&s, d->scratch, "copy", d->base_dir, database);
	if (r == 0)
		r = files_put(d, row, &s);
	r = r < 0 ? say(d, r, "no scratch copy can be made", strerror(-r)) : trial_make(d, &s);
	scratch_remove(d->scratch);
	return r;
}

static bool is_damage(int error)
{
	return error == -EBADMSG || error == -ENODATA;
}

/* As copy_prove; also -EBADMSG, -ENODATA: it is damaged. */
static int row_prove(struct drill *d, struct backup_row *row)
{
	char path[PATH_MAX];
	int r = action_verify(d->action, row, path);

	if (r == 0 || r == -ENOTSUP) /* t3's own SQLite may be newer than ours */
		r = copy_prove(d, row, path);
	return r;
}

/* ---- the backups, from the newest on ----------------------------------------------------------------------- */

static void row_fail(struct drill *d, struct backup_row *row, int error)
{
	struct action *a = d->action;

	row->damaged = is_damage(error);
	if (!row->damaged)
		snprintf(row->fault, sizeof row->fault, "%s", a->why);
	d->missed[row - a->manifest->rows] = true;
	if (d->failed != NULL)
		return;
	d->failed = row;
	snprintf(d->why, sizeof d->why, "%s", a->why);
}

static void row_pass(struct drill *d, struct backup_row *row)
{
	row->fault[0] = '\0';
	row->drilled_s = (long long)(d->action->ctx->host->wall_us(d->action->ctx) / 1000000);
	d->good = row;
}

/* Whether something is known of it afterwards. */
static int row_try(struct drill *d, struct backup_row *row)
{
	int r = row_prove(d, row);

	if (r == 0)
		row_pass(d, row);
	else if (r == -EPROTO || is_damage(r))
		row_fail(d, row, r);
	else
		return r;
	return 0;
}

static int rows_try(struct drill *d)
{
	struct manifest *m = d->action->manifest;
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0 && d->good == NULL; i++)
		if (!m->rows[i].damaged)
			r = row_try(d, &m->rows[i]);
	return r;
}

/* ---- the control --------------------------------------------------------------------------------------------- */

/* Only a database that is gone proves nothing. */
static int control_run(struct drill *d)
{
	struct action *a = d->action;
	struct copy_facts facts;
	int r;

	unlink(a->dir->partial);
	r = copy_database(d->database, a->dir->partial, a->until_us, &facts, a->why, a->why_size);
	copy_facts_fini(&facts);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : copy_prove(d, NULL, a->dir->partial);
}

static void faults_forget(struct drill *d)
{
	struct manifest *m = d->action->manifest;

	for (size_t i = 0; i < m->n; i++)
		if (d->missed[i])
			m->rows[i].fault[0] = '\0';
}

/* No backup works: is that theirs, or the drill's? */
static int control_ask(struct drill *d)
{
	struct action *a = d->action;
	char control[200];
	int r = control_run(d);

	if (r == 0)
		return 0;
	snprintf(control, sizeof control, "%s", a->why);
	faults_forget(d);
	snprintf(a->why, a->why_size,
	         "drill_broken: a copy of the live database fails there, too: %.120s; %s: %.120s", control,
	         d->failed->file, d->why);
	return -EIO;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Nothing that the retention does may remove the only copy that is known to work. */
static void good_pin(struct drill *d)
{
	if (d->good != NULL && d->failed != NULL && d->action->remote == NULL)
		d->good->pinned = true;
}

static void rows_report(const struct drill *d)
{
	const struct manifest *m = d->action->manifest;

	for (size_t i = 0; i < m->n; i++)
		if (d->missed[i] || &m->rows[i] == d->good)
			action_report(d->action, &m->rows[i]);
}

static int verdict(struct drill *d)
{
	struct action *a = d->action;

	if (d->failed == NULL)
		return 0;
	snprintf(a->why, a->why_size, "%s: %.150s; %s%s", d->failed->file, d->why,
	         d->good != NULL ? d->good->file : "no older one is known to work",
	         d->good == NULL     ? ""
	         : a->remote != NULL ? " works"
	                             : " works, and is pinned");
	return -EPROTO;
}

/* Whether it is about the newest backup here, if there is any; what else is asked for is another question. */
static bool is_of_record(const struct action *a)
{
	return a->remote == NULL && a->ctx->host->argument(a->ctx, "at") == NULL && a->manifest->n > 0;
}

/* The monitor knows by the first words (drills.c). */
static int newest_say(const struct drill *d, int error)
{
	char why[300];

	snprintf(why, sizeof why, "%s", d->action->why);
	return say(d, error, DRILL_NEWEST, why);
}

static int record_save(const struct drill *d, int error)
{
	struct action *a = d->action;
	struct drill_record record;
	long long now_s = (long long)(a->ctx->host->wall_us(a->ctx) / 1000000);
	int r;

	drill_record_read(a->dir->fd, &record);
	if (error == 0)
		record.succeeded_s = now_s;
	else
		record.failed_s = now_s;
	snprintf(record.error, sizeof record.error, "%s", error < 0 ? a->why : "");
	r = drill_record_write(a->dir->fd, &record);
	return r < 0 && error == 0 ? say(d, r, a->dir->path, strerror(-r)) : error;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------
 */

static int paths_fill(struct drill *d)
{
	const struct action *a = d->action;
	int r = user_path(d->database, sizeof d->database, a->ctx->host->opt_string(a->ctx, "database"), a->user);
	size_t len = strlen(d->database), tail = strlen(DATABASE_TAIL);

	if (r < 0)
		return say(d, r, "option database cannot be filled in", strerror(-r));
	if (len <= tail || strcmp(d->database + len - tail, DATABASE_TAIL) != 0)
		return say(d, -EINVAL, d->database, "a drill needs one that ends in " DATABASE_TAIL);
	snprintf(d->base_dir, sizeof d->base_dir, "%.*s", (int)(len - tail), d->database);
	r = scratch_path(a->dir, d->scratch);
	return r < 0 ? say(d, r, a->dir->path, strerror(-r)) : 0;
}

static int possible(const struct drill *d)
{
	const struct t3ops_host *host = d->action->ctx->host;

	if (*host->opt_string(d->action->ctx, "serve_command") == '\0')
		return say(d, -ENOENT, "no drill", "the option serve_command names no command");
	if (host->service(d->action->ctx, T3OPS_SERVICE_PAIRING) == NULL)
		return say(d, -ENOENT, "no drill", "no plugin is configured that pairs");
	return 0;
}

/* The one of the argument `at`, or all of them until one works. */
static int backups_try(struct drill *d)
{
	struct action *a = d->action;
	bool one = a->ctx->host->argument(a->ctx, "at") != NULL;
	struct backup_row *row = action_choose(a);
	int r = row == NULL && one ? -ENOENT : one ? row_try(d, row) : rows_try(d);

	if (r == 0 && d->good == NULL)
		r = d->failed != NULL ? control_ask(d) : -ENOENT; /* why is that of action_choose */
	return r;
}

static int drill_make(struct drill *d)
{
	struct action *a = d->action;
	int r = backups_try(d);

	if (r == 0) {
		good_pin(d);
		r = verdict(d);
	}
	rows_report(d);
	return action_save(a) < 0 ? -EIO : r;
}

/* Then there is nothing to prove, and no failure: T3BackupMissing and T3BackupStale tell. */
static bool has_none(const struct action *a)
{
	return a->manifest->n == 0 && a->ctx->host->argument(a->ctx, "at") == NULL;
}

int drill_run(struct action *a)
{
	struct drill *d = calloc(1, sizeof *d);
	int r;

	if (d == NULL)
		return -ENOMEM;
	d->action = a;
	d->missed = calloc(a->manifest->n + 1, sizeof *d->missed);
	gentle_priorities();
	r = d->missed == NULL ? -ENOMEM : possible(d);
	if (r == 0)
		r = paths_fill(d);
	if (r == 0 && has_none(a))
		action_note_none(a);
	else if (r == 0)
		r = drill_make(d);
	if (is_of_record(a)) {
		r = r < 0 ? newest_say(d, r) : 0;
		r = record_save(d, r);
	}
	if (r == 0)
		drill_report(a->ctx, a->dir);
	free(d->missed);
	free(d);
	return r;
}

void drill_report(struct t3ops_ctx *ctx, const struct backup_dir *dir)
{
	struct drill_record record;
	long long now_s = (long long)(ctx->host->wall_us(ctx) / 1000000);

	if (*ctx->host->opt_string(ctx, "serve_command") == '\0')
		return;
	drill_record_read(dir->fd, &record);
	if (record.succeeded_s > 0)
		ctx->host->report(ctx, "drilled", "%lld", record.succeeded_s);
	if (record.failed_s > 0)
		ctx->host->report(ctx, "drill_failed", "%lld", record.failed_s);
	if (drill_record_is_due(&record, ctx->host->opt_int(ctx, "drill_every"), now_s))
		ctx->host->report(ctx, "drill", "due");
}

int drill_check(struct t3ops_ctx *ctx)
{
	const struct t3ops_host *host = ctx->host;

	if (host->opt_int(ctx, "drill_every") == 0 || *host->opt_string(ctx, "serve_command") != '\0')
		return 0;
	host->option_fault(ctx, T3OPS_ERROR, "drill_every",
	                   "serve_command must name a command that starts a t3 server");
	return -EINVAL;
}
