/* SPDX-License-Identifier: MIT */
/*
 * upgrade: a new version of t3 for one user, proven on a copy of the user's database first (gate.h), then live, or
 * undone (rollout.h). Runs in the process of a job, as the user; versions are directories side by side, and each user
 * has one link.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/proof.h"
#include "common/trial.h"
#include "actions.h"
#include "fleet.h"
#include "outcomes.h"
#include "watch.h"

static int rehearse(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *name)
{
	(void)name; /* there is one */
	return proof_run(ctx, user);
}

static const struct t3ops_option options[] = {
    {"dir", T3OPS_OPT_USER_DIR, T3OPS_REQUIRED, 0, 0,
     "Directory of upgrade's own state; each user gets a private directory in it, with the link current to the "
     "prefix of "
     "the user's program."},
    {"installed", T3OPS_OPT_STRING, "", 0, 0,
     "Prefix that the link of a user who has none yet leads to, an absolute path."},
    {"candidate", T3OPS_OPT_STRING, "", 0, 0,
     "Prefix of the version to prove, an absolute path, perhaps a link that an installer moves; empty: --to says "
     "it."},
    {"channel", T3OPS_OPT_STRING, "", 0, 0,
     "Channel whose newest version is the next one, as npm calls it: latest, nightly; empty: none is followed."},
    {"versions", T3OPS_OPT_USER_DIR, "", 0, 0,
     "Directory of the versions that are installed from the channel or with --to=VERSION; each user gets a private "
     "directory in it."},
    {"resolve", T3OPS_OPT_LIST, "npm view t3@%c version", 0, 0,
     "Program that prints the newest version of the channel (%c); the user runs it."},
    {"install", T3OPS_OPT_LIST, "npm install --global --prefix %p --no-fund --no-audit t3@%v", 0, 0,
     "Program that installs a version (%v) at a prefix (%p) that does not exist yet."},
    {"current", T3OPS_OPT_LIST, "%p/bin/t3 --version", 0, 0,
     "Program that prints the version that a prefix (%p) has."},
    {"window_from", T3OPS_OPT_TIME, "", 0, 0,
     "Begin of the hours in which users are moved, of this machine's time zone, by a rollout or by run without "
     "--now; empty: any time."},
    {"window_to", T3OPS_OPT_TIME, "", 0, 0, "Their end."},
    {"automatic", T3OPS_OPT_BOOL, "false", 0, 0,
     "Whether a rollout over all users begins by itself, within those hours, when a scheduled run has proven a "
     "version "
     "that a user has not."},
    {"base_dir", T3OPS_OPT_STRING, "%h/.t3", 0, 0,
     "The user's base directory of t3: %h home, %u OS user, %n table name, %% a percent sign."},
    {"stop_command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that stops a user's t3 server, for run and rollback."},
    {"start_command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that starts it again."},
    {"canary", T3OPS_OPT_STRING, "", 0, 0, "The user whom a rollout moves first; empty: who is idle for longest."},
    {"bake", T3OPS_OPT_DURATION, "30m", 0, INT64_C(30) * 86400000000,
     "For how long the first user is watched before others are moved."},
    {"settle", T3OPS_OPT_DURATION, "2m", 0, INT64_C(86400000000), "For how long every other user is."},
    {"drops", T3OPS_OPT_INT, "3", 0, 1000000,
     "How many connections of a watched user the t3 server may end; one more, and the user is rolled back."},
    {"leg", T3OPS_OPT_STRING, "probe_t3serve", 0, 0, "Section of the leg to every user's t3 server."},
    {"segment", T3OPS_OPT_SEGMENT, "serve", 0, 0, "The segment of that leg."},
    {"backup", T3OPS_OPT_JOB, "", 0, 0,
     "Section of the job that makes a backup, and keeps it, before a rollout moves a user."},
    {"retry", T3OPS_OPT_DURATION, "1m", 1000000, INT64_C(86400000000),
     "How soon a rollout looks again whether those who were busy are idle."},
    {"idle_for", T3OPS_OPT_DURATION, "10m", 0, INT64_C(86400000000),
     "A user who has put nothing in for so long, with no turn in progress and no agent running, may be moved."},
    {"ignore_processes", T3OPS_OPT_LIST | T3OPS_OPT_STRING, "", 0, 0,
     "Names of processes that may run beside an idle user's t3 server."},
    TRIAL_OPTIONS("serve"),
};

static const struct t3ops_metric metrics[] = {
    [METRIC_ENDED] = {.name = "t3ops_upgrade_last_timestamp_seconds",
                      .type = T3OPS_GAUGE,
                      .labels = {"user", "outcome"},
                      .help = "When a check or move of the user last ended so: rejected, gate_broken, rolled_back or "
                              "rollback_failed."},
    [METRIC_FROZEN] = {.name = "t3ops_upgrade_frozen",
                       .type = T3OPS_GAUGE,
                       .labels = {"user"},
                       .help = "1 while the user's program stays as it is, as of the last action or run."},
    [METRIC_INSTALLED] = {.name = "t3ops_upgrade_installed",
                          .type = T3OPS_GAUGE,
                          .labels = {"user", "prefix"},
                          .help = "1 for the prefix of the user's program, as of the last action or run."},
    [METRIC_VERSIONS] =
        {.name = "t3ops_upgrade_version_info",
         .type = T3OPS_GAUGE,
         .labels = {"user", "version", "last_good", "candidate"},
         .help = "1 for the version of the user's program, the last one that was proven good, and the "
                 "next one, as of the last action or run; 0 for what was."},
    [METRIC_MANAGED] = {.name = "t3ops_upgrade_managed",
                        .type = T3OPS_GAUGE,
                        .labels = {"user", "by"},
                        .help = "1 for what manages the version of the user's server: t3ops, t3 (its own updater) or "
                                "both, as of the last action or run."},
    [METRIC_ROLLOUT] = {.name = "t3ops_upgrade_rollout_in_progress",
                        .type = T3OPS_GAUGE,
                        .help = "1 while a rollout over all users is in progress."},
    [METRIC_USERS] =
        {.name = "t3ops_upgrade_rollout_users",
         .type = T3OPS_GAUGE,
         .labels = {"state"},
         .help = "Users of the last rollout: waiting, done, same, frozen, absent, left, rolled_back, rejected or "
                 "failed."},
};

/* ---- the configuration --------------------------------------------------------------------------------------- */

static int check(struct t3ops_ctx *ctx)
{
	const struct t3ops_host *host = ctx->host;
	bool from = host->opt_int(ctx, "window_from") >= 0, to = host->opt_int(ctx, "window_to") >= 0;

	if (*host->opt_string(ctx, "channel") != '\0' && *host->opt_string(ctx, "versions") == '\0')
		host->option_fault(ctx, T3OPS_ERROR, "channel",
		                   "it needs the option versions, a directory to install in");
	else if (*host->opt_string(ctx, "channel") != '\0' && *host->opt_string(ctx, "candidate") != '\0')
		host->option_fault(ctx, T3OPS_ERROR, "channel",
		                   "the option candidate names the next version already");
	else if (from != to)
		host->option_fault(ctx, T3OPS_ERROR, from ? "window_from" : "window_to",
		                   "a window needs both window_from and window_to");
	else
		return 0;
	return -EINVAL;
}

/* ---- in the monitor ------------------------------------------------------------------------------------------ */

static void on_moved_back(void *arg, const char *user)
{
	const struct watch *w = arg;

	outcomes_rolled_back(w->outcomes, user);
}

static int start(struct t3ops_ctx *ctx)
{
	struct watch *w = calloc(1, sizeof *w);

	ctx->state = w;
	if (w == NULL || ctx->host->secret_load == NULL) /* a job's process */
		return w != NULL ? 0 : -ENOMEM;
	w->outcomes = outcomes_new(ctx);
	w->fleet = fleet_new(ctx, on_moved_back, w);
	return w->outcomes != NULL && w->fleet != NULL ? 0 : -ENOMEM;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct watch *w = ctx->state;

	if (w == NULL)
		return;
	fleet_free(w->fleet);
	outcomes_free(w->outcomes);
	free(w);
	ctx->state = NULL;
}

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	const struct watch *w = ctx->state;

	outcomes_event(w->outcomes, e);
	fleet_event(w->fleet, e);
}

static int act_whole(struct t3ops_ctx *ctx, const char *action)
{
	const struct watch *w = ctx->state;

	return fleet_act(w->fleet, action);
}

static const struct t3ops_action actions[] = {
    {"check", "to again downgrade prerelease dry-run new automatic",
     "Proves a version on a copy of the user's database; nothing live is touched.", false},
    {"run", "to again downgrade prerelease dry-run now automatic",
     "Proves a version, and moves the user to it; what fails is undone.", true},
    {"progress", "", "How far the rollout over all users is.", false},
    {"survey", "settle part", "Whether a user may be moved now; what a rollout asks of everybody.", false},
    {"verify", "", "Whether the user's server pairs.", false},
    {"rollback", "why bad", "The program and the database of before come back.", true},
    {"status", "", "Which program the user has, and what is known of the next one.", false},
    {"report", "compatibility", "What the last check found, and what was rejected; or what is known of each version.",
     false},
    {"freeze", "why hours who unless-frozen", "The user's program stays as it is.", false},
    {"unfreeze", "", "It may change again.", false},
    {"pin", "to why downgrade", "The next version is this one, whatever the channel has.", false},
    {"unpin", "", "The channel is followed again.", false},
};

T3OPS_PLUGIN(upgrade) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_JOB | T3OPS_ROLE_WATCH,
    .name = "upgrade",
    .version = PACKAGE_VERSION,
    .summary = "proves new versions of t3 on copies, and moves users to them",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .needs = T3OPS_SERVICE_PAIRING,
    .check = check,
    .start = start,
    .stop = stop,
    .run = action_run_scheduled,
    T3OPS_ACTIONS(actions),
    .act = action_do,
    .rehearse = rehearse,
    .on_event = on_event,
    .on_earlier = on_event,
    .whole_actions = "run progress",
    .act_whole = act_whole,
};
