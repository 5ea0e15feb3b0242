/* SPDX-License-Identifier: MIT */
/*
 * backup: a verified copy of every user's state.sqlite, taken while t3 runs, kept by a simple rule.
 * Runs in the process of a job, as the owner of the database.  What older runs made is touched only
 * after a new copy is complete, checked and on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions.h"
#include "backup_dir.h"
#include "common/copy.h"
#include "common/run_deadline.h"
#include "common/user_path.h"
#include "common/gentle.h"
#include "common/proof.h"
#include "common/trial.h"
#include "drill.h"
#include "drills.h"
#include "included.h"
#include "pack.h"
#include "interrupted.h"
#include "plugin.h"
#include "remote.h"
#include "turn.h"

#define WHY_SIZE 320

static void kept_report(struct t3ops_ctx *ctx, const struct backup_kept *kept, size_t unreadable)
{
	ctx->host->report(ctx, "kept", "%zu", kept->n);
	ctx->host->report(ctx, "kept_bytes", "%lld", kept->bytes);
	if (unreadable > 0)
		ctx->host->report(ctx, "manifest_lines_lost", "%zu", unreadable);
	if (kept->over_budget > 0)
		ctx->host->report(ctx, "over_budget", "%zu", kept->over_budget);
	if (kept->error < 0)
		ctx->host->report(ctx, "cannot_remove_oldest", "%s", strerror(-kept->error));
}

static void copy_report(struct t3ops_ctx *ctx, const struct backup_dir *dir, const struct backup_row *row,
                        const struct copy_facts *facts)
{
	ctx->host->report(ctx, "file", "%s/%s", dir->path, row->file);
	ctx->host->report(ctx, "bytes", "%lld", row->bytes);
	if (row->database_bytes > 0)
		ctx->host->report(ctx, "database_bytes", "%lld", row->database_bytes);
	ctx->host->report(ctx, "wal_grown", "%lld", facts->wal_grown);
	if (facts->migration >= 0)
		ctx->host->report(ctx, "migration", "%lld", facts->migration);
	if (facts->paused_us > 0)
		ctx->host->report(ctx, "paused_s", "%.1f", (double)facts->paused_us / 1e6);
}

static struct retention rules_read(struct t3ops_ctx *ctx)
{
	return (struct retention){.last = ctx->host->opt_int(ctx, "retain"),
	                          .daily = ctx->host->opt_int(ctx, "retain_daily"),
	                          .weekly = ctx->host->opt_int(ctx, "retain_weekly"),
	                          .monthly = ctx->host->opt_int(ctx, "retain_monthly"),
	                          .budget_bytes = ctx->host->opt_int(ctx, "budget")};
}

/* Lets the oldest go. */
static int retain(struct t3ops_ctx *ctx, struct backup_dir *dir, const char *made, char *why)
{
	const struct retention rules = rules_read(ctx);
	struct backup_kept kept;
	int r = backup_dir_keep(dir, &rules, made, (long long)(ctx->host->wall_us(ctx) / 1000000), &kept);

	if (r < 0)
		snprintf(why, WHY_SIZE, "the manifest of %.200s cannot be written: %s", dir->path, strerror(-r));
	else
		kept_report(ctx, &kept, dir->manifest.unreadable);
	return r;
}

/* What is here goes to the store.  A failure is one of the run, though its copy is there. */
static int store_send(struct t3ops_ctx *ctx, const struct t3ops_user *user, struct backup_dir *dir, const char *made,
                      uint64_t until_us, char *why)
{
	const struct retention rules = rules_read(ctx);
	char reason[WHY_SIZE - 64] = "";
	struct remote remote;
	int r = remote_open(&remote, ctx, user, until_us, reason, sizeof reason);

	if (r == 0)
		r = remote_sync(&remote, dir, &rules, made);
	remote_close(&remote);
	if (r < 0)
		snprintf(why, WHY_SIZE, "the copy is made, but not off the machine: %s", reason);
	return r;
}

/* Read while it is checked; if it fails it is read later, and that fails the run. */
static void digest_beside(const char *copy, uint64_t until_us, struct copy_facts *facts)
{
	int fd = open(copy, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (digest_file(fd, until_us, facts->sha256) < 0)
		facts->sha256[0] = '\0';
	close(fd);
}

/* Names the copy, and lets the oldest go. */
static int finish(struct t3ops_ctx *ctx, const struct t3ops_user *user, struct backup_dir *dir,
                  enum backup_reason reason, struct copy_facts *facts, const struct include_facts *files,
                  uint64_t began_us, uint64_t until_us, char *why)
{
	struct backup_row row = {.at_s = (long long)(ctx->host->wall_us(ctx) / 1000000),
	                         .seconds = (double)(ctx->host->now_us(ctx) - began_us) / 1e6,
	                         .reason = reason,
	                         .pinned = reason == BACKUP_BEFORE_UPGRADE,
	                         .files = (long long)files->files,
	                         .migration = facts->migration,
	                         .rows = facts->rows};
	int r;

	facts->rows = NULL; /* the row's from here on */
	snprintf(row.sha256, sizeof row.sha256, "%s", facts->sha256);
	r = backup_dir_put(dir, &row, (int)ctx->host->opt_int(ctx, "compress"), until_us);
	if (r < 0)
		snprintf(why, WHY_SIZE, "the copy cannot be moved into %.200s: %s", dir->path, strerror(-r));
	else {
		drill_report(ctx, dir);
		copy_report(ctx, dir, &row, facts);
		included_report(ctx, files);
	}
	json_decref(row.rows);
	if (r == 0)
		r = retain(ctx, dir, row.file, why);
	return r == 0 && remote_is_set(ctx) ? store_send(ctx, user, dir, row.file, until_us, why) : r;
}

/* The user's key for the backups in the directory, if there is to be one. */
static int key_take(struct t3ops_ctx *ctx, const struct t3ops_user *user, struct backup_dir *dir,
                    struct crypt_key *key, char *why)
{
	const char *pattern = ctx->host->opt_string(ctx, "encrypt_key");
	char path[PATH_MAX];
	int r;

	if (*pattern == '\0')
		return 0;
	r = user_path(path, sizeof path, pattern, user);
	if (r < 0)
		snprintf(why, WHY_SIZE, "option encrypt_key cannot be filled in: %s", strerror(-r));
	else
		r = crypt_key_read(key, path, why, WHY_SIZE);
	dir->key = key;
	return r;
}

/* How large what packing and encrypting make of a copy is, in percent of it: as the last one was, and a quarter more.
 */
static unsigned conversion_percent(struct t3ops_ctx *ctx, const struct backup_dir *dir)
{
	bool packs = ctx->host->opt_int(ctx, "compress") > 0;

	if (!packs && dir->key == NULL)
		return 0;
	for (size_t i = 0; packs && i < dir->manifest.n; i++) {
		const struct backup_row *row = &dir->manifest.rows[i];

		if (backup_is_packed(row->file) && row->database_bytes > 0 && row->bytes < row->database_bytes)
			return (unsigned)(row->bytes * 125 / row->database_bytes) + 1;
	}
	return 100;
}

static int copy_make(struct t3ops_ctx *ctx, const char *source, const struct backup_dir *dir, uint64_t until_us,
                     struct copy_facts *facts, char *why)
{
	unsigned percent = conversion_percent(ctx, dir);
	long long files = included_bytes(ctx, source, until_us);
	const struct copy_more more = {
	    .percent = percent, .bytes = percent > 0 ? 2 * files : files, .beside = digest_beside};

	return copy_database_and(&more, source, dir->partial, until_us, facts, why, WHY_SIZE);
}

static int make(struct t3ops_ctx *ctx, const struct t3ops_user *user, enum backup_reason reason)
{
	char source[PATH_MAX], why[WHY_SIZE] = "";
	struct backup_dir dir = {.fd = -1};
	struct copy_facts facts = {.rows = NULL};
	struct crypt_key key;
	uint64_t until_us = run_until_us(ctx), began_us = ctx->host->now_us(ctx);
	struct include_facts files;
	int r;

	umask(0077);
	gentle_priorities();
	r = user_path(source, sizeof source, ctx->host->opt_string(ctx, "database"), user);
	if (r < 0)
		snprintf(why, sizeof why, "option database cannot be filled in: %s",
		         r == -ENOENT ? "this machine knows no home directory of the user" : strerror(-r));
	if (r == 0)
		r = backup_dir_open(&dir, ctx->host->opt_string(ctx, "to"), user->name, why, sizeof why);
	drill_sweep(&dir);
	if (r == 0)
		interrupted_finish(ctx, user, &dir, until_us);
	if (r == 0)
		r = backup_dir_writable(&dir, why, sizeof why);
	if (r == 0)
		r = key_take(ctx, user, &dir, &key, why);
	if (r == 0 && reason == BACKUP_SCHEDULED)
		turn_wait(ctx, user, source, until_us);
	if (r == 0)
		r = copy_make(ctx, source, &dir, until_us, &facts, why);
	if (r == -ENOENT && user->absent && dir.fd >= 0 && dir.manifest.n == 0) {
		ctx->host->report(ctx, "absent",
		                  "the user never ran t3: there is no database, no env file and no server");
		backup_dir_close(&dir);
		return 0;
	}
	if (r == COPY_UNREAD)
		ctx->host->report(ctx, "schema_newer", "%s", why);
	if (r >= 0)
		r = included_make(ctx, source, &dir, until_us, &files, why, sizeof why);
	if (r >= 0)
		r = finish(ctx, user, &dir, reason, &facts, &files, began_us, until_us, why);
	copy_facts_fini(&facts);
	crypt_key_wipe(&key);
	backup_dir_close(&dir);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	return make(ctx, user, ctx->host->run_requested(ctx) ? BACKUP_MANUAL : BACKUP_SCHEDULED);
}

static int directory_act(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action)
{
	struct backup_dir dir = {.fd = -1};
	char why[WHY_SIZE] = "";
	struct crypt_key key;
	uint64_t until_us = run_until_us(ctx);
	int r;

	umask(0077);
	r = backup_dir_open(&dir, ctx->host->opt_string(ctx, "to"), user->name, why, sizeof why);
	drill_sweep(&dir);
	if (r == 0 && interrupted_finish(ctx, user, &dir, until_us))
		ctx->host->report_row(ctx);
	if (r == 0)
		r = key_take(ctx, user, &dir, &key, why);
	if (r == 0)
		r = action_run(ctx, user, action, &dir, until_us, why, sizeof why);
	crypt_key_wipe(&key);
	backup_dir_close(&dir);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

static int act(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action)
{
	return strcmp(action, "hold") == 0 ? make(ctx, user, BACKUP_BEFORE_UPGRADE)
	                                   : directory_act(ctx, user, action);
}

static int rehearse(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *name)
{
	(void)name; /* there is one */
	return proof_run(ctx, user);
}

/* Whether the option's pattern is one, whoever the user is; "" is none. */
static int pattern_check(struct t3ops_ctx *ctx, const char *option)
{
	static const struct t3ops_user somebody = {
	    .struct_size = sizeof somebody, .name = "n", .os_user = "u", .home = "/h", .host = ""};
	const char *pattern = ctx->host->opt_string(ctx, option);
	char path[PATH_MAX];
	int r = user_path(path, sizeof path, pattern, &somebody);

	if (*pattern == '\0' && strcmp(option, "database") != 0)
		return 0;
	if (r < 0)
		ctx->host->option_fault(ctx, T3OPS_ERROR, option,
		                        "expected %%h, %%u, %%n or %%%% after a percent sign");
	else if (path[0] != '/')
		ctx->host->option_fault(ctx, T3OPS_ERROR, option,
		                        "expected an absolute path, or one that begins with %%h");
	return r < 0 || path[0] != '/' ? -EINVAL : 0;
}

static int patterns_check(struct t3ops_ctx *ctx)
{
	static const char *const options[] = {"database", "encrypt_key", "s3_credentials"};
	int r = 0;

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		r = pattern_check(ctx, options[i]) < 0 ? -EINVAL : r;
	return r;
}

/* Of one file for all users, as a run reads it.  Of a file of another account, and of those that differ from user to
 * user, only their runs can tell. */
static void key_file_check(struct t3ops_ctx *ctx)
{
	const char *path = ctx->host->opt_string(ctx, "encrypt_key");
	char why[WHY_SIZE] = "";
	struct crypt_key key;
	struct stat st;

	if (path[0] != '/' || strchr(path, '%') != NULL ||
	    (stat(path, &st) == 0 && st.st_uid != 0 && st.st_uid != geteuid()))
		return;
	switch (crypt_key_read(&key, path, why, sizeof why)) {
	case 0:
	case -EACCES:
		break;
	default:
		ctx->host->option_fault(ctx, T3OPS_WARNING, "encrypt_key", "%s; no backup can be made until then",
		                        why);
	}
	crypt_key_wipe(&key);
}

/* Whether everything is said that a store needs. */
static int store_check(struct t3ops_ctx *ctx)
{
	if (remote_is_set(ctx) && *ctx->host->opt_string(ctx, "s3_credentials") == '\0') {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "s3_url", "s3_credentials must name a file with its key");
		return -EINVAL;
	}
	if (strncmp(ctx->host->opt_string(ctx, "s3_url"), "http:", 5) == 0)
		ctx->host->option_fault(ctx, T3OPS_WARNING, "s3_url",
		                        "without TLS whoever sees the traffic can read the backups");
	return 0;
}

static void start_check(struct t3ops_ctx *ctx)
{
	if (*ctx->host->opt_string(ctx, "stop_command") != '\0' &&
	    *ctx->host->opt_string(ctx, "start_command") == '\0')
		ctx->host->option_fault(
		    ctx, T3OPS_WARNING, "stop_command",
		    "restore --stop is refused without start_command, which starts the server again");
}

static void schedule_check(struct t3ops_ctx *ctx)
{
	if (ctx->host->opt_int(ctx, "at") < 0 && ctx->host->opt_int(ctx, "every") == 0)
		ctx->host->option_fault(ctx, T3OPS_WARNING, NULL,
		                        "neither at nor every is given: it runs on demand only");
}

static int check(struct t3ops_ctx *ctx)
{
	int r = patterns_check(ctx);

	schedule_check(ctx);
	start_check(ctx);
	key_file_check(ctx);
	if (ctx->host->opt_int(ctx, "compress") > 0 && !pack_is_there()) {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "compress", "this build of t3ops has no zstd");
		r = -ENOTSUP;
	}
	if (*ctx->host->opt_string(ctx, "encrypt_key") != '\0' && !crypt_is_there()) {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "encrypt_key", "this build of t3ops has no libsodium");
		r = -ENOTSUP;
	}
	return store_check(ctx) < 0 || drill_check(ctx) < 0 || included_check(ctx) < 0 ? -EINVAL : r;
}

static const struct t3ops_option options[] = {
    {"to", T3OPS_OPT_USER_DIR, T3OPS_REQUIRED, 0, 0,
     "Directory of the backups; each user gets a private directory in it."},
    {"retain", T3OPS_OPT_INT, "6", 1, 100000,
     "How many of the newest backups of each user are kept, whatever their age; scheduled ones and those that "
     "somebody asked for are counted apart, here and below."},
    {"retain_daily", T3OPS_OPT_INT, "0", 0, 100000, "Of how many days (UTC) the newest backup is kept besides."},
    {"retain_weekly", T3OPS_OPT_INT, "0", 0, 100000, "Of how many weeks, from Monday on."},
    {"retain_monthly", T3OPS_OPT_INT, "0", 0, 100000, "Of how many months."},
    {"budget", T3OPS_OPT_BYTES, "0", 0, 0,
     "What all backups of one user may take together; the oldest go first, the newest and pinned ones never; 0: no "
     "limit."},
    {"compress", T3OPS_OPT_INT, "0", 0, PACK_LEVEL_MAX,
     "Level of zstd that backups are packed with, which makes state-*.sqlite.zst of them; 0: not at all; 3 is fast."},
    {"encrypt_key", T3OPS_OPT_STRING, "", 0, 0,
     "File with a key, 64 hexadecimal digits that only the user's account may read, which backups are encrypted "
     "with; "
     "filled in as database is; none: they are not."},
    {"database", T3OPS_OPT_STRING, "%h/.t3/userdata/state.sqlite", 0, 0,
     "The user's database: %h home, %u OS user, %n table name, %% a percent sign."},
    {"include", T3OPS_OPT_LIST | T3OPS_OPT_STRING, "", 0, 0,
     "What goes along from beside the database, as an archive of its own: attachments, environment-id, secrets and "
     "the "
     "like; secrets only with encrypt_key or plain_secrets."},
    {"include_max", T3OPS_OPT_BYTES, "1G", 1, 0,
     "What that may be together before it is packed; a file for which there is no room left is left out and named."},
    {"plain_secrets", T3OPS_OPT_BOOL, "false", 0, 0,
     "Whether secrets may go along in backups that are not encrypted: who can read one can sign sessions then."},
    {"s3_url", T3OPS_OPT_URL, "", 0, 0,
     "Bucket of an S3-compatible store that every backup goes to besides, https://HOST/BUCKET or "
     "https://BUCKET.HOST; "
     "none: they stay here."},
    {"s3_prefix", T3OPS_OPT_STRING, "t3ops", 0, 0,
     "What the names of its objects begin with, PREFIX/USER/; another one for each machine."},
    {"s3_region", T3OPS_OPT_STRING, "us-east-1", 0, 0, "Region that requests are signed for."},
    {"s3_credentials", T3OPS_OPT_STRING, "", 0, 0,
     "File with the store's key, which only the user's account may read; filled in as database is."},
    {"s3_ca_file", T3OPS_OPT_CA_FILE, "", 0, 0,
     "Certificates that the store's is checked with, instead of the system's."},
    {"s3_part", T3OPS_OPT_BYTES, "16M", 5242880, 0,
     "A larger backup is sent in parts of that size, and a later run goes on after the last one that arrived."},
    {"stop_command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that stops a user's t3 server, for restore --stop."},
    {"start_command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that starts it again."},
    {"turn_patience", T3OPS_OPT_DURATION, "2m", 0, INT64_C(86400000000),
     "For how long a scheduled run waits while a turn of the user is in progress, and at most for half of its time; "
     "then the backup is made all the same."},
    {"drill_every", T3OPS_OPT_DURATION, "0s", 0, 0,
     "How long after a user's last restore drill a run of the job is followed by another one; 0s: never by itself."},
    TRIAL_OPTIONS(""),
};

static const struct t3ops_metric metrics[] = {
    [METRIC_DRILL_SUCCEEDED] = {.name = "t3ops_backup_drill_last_success_timestamp_seconds",
                                .type = T3OPS_GAUGE,
                                .labels = {"user"},
                                .help = "When a restore drill of the user's newest backup last succeeded, in seconds "
                                        "since 1970; as of the last run or drill."},
    [METRIC_DRILL_FAILED] = {.name = "t3ops_backup_drill_last_failure_timestamp_seconds",
                             .type = T3OPS_GAUGE,
                             .labels = {"user"},
                             .help = "When one last failed, or could not be made."},
};

static const struct t3ops_action actions[] = {
    {"list", "remote", "The backups, newest first.", false},
    {"verify", "at remote",
     "Reads a backup whole and checks it; one that is damaged is never used, and the newest good one pinned.", false},
    {"pin", "at", "A backup stays, whatever the retention says.", false},
    {"unpin", "at", "It is kept by the retention again.", false},
    {"drill", "at remote",
     "Restores the newest backup to a scratch copy, starts a throwaway t3 server on it, and pairs with that.", false},
    {"hold", "", "Before an upgrade: makes a backup that is pinned until release.", false},
    {"release", "", "The upgrade is accepted: what hold made is kept by the retention again.", false},
    {"restore", "at to stop dry-run remote database-only",
     "A backup becomes the database again, or a file elsewhere.", true},
};

T3OPS_PLUGIN(backup) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_JOB | T3OPS_ROLE_WATCH,
    .name = "backup",
    .version = PACKAGE_VERSION,
    .summary = "copies every user's state.sqlite, verified, while t3 runs",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .check = check,
    .wants = T3OPS_SERVICE_PAIRING,
    .run = run,
    T3OPS_ACTIONS(actions),
    .act = act,
    .rehearse = rehearse,
    .on_event = drills_event,
    .on_earlier = drills_earlier,
};
