/* SPDX-License-Identifier: MIT */
/*
 * watchdog: restarts a t3 server that hangs.  It has no probes of its own: in the monitor it follows the verdicts and
 * the legs (target.h), one server at a time, and asks the jobs process for a backup and then for its own action
 * restart, which saves evidence as the user, has the server restarted and pairs with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "common/due.h"
#include "common/run_deadline.h"
#include "common/server_hold.h"
#include "common/user_server.h"
#include "common/user_path.h"
#include "plugin.h"
#include "watchdog/agents.h"
#include "watchdog/evidence.h"
#include "watchdog/target.h"

#define TICK_US                     UINT64_C(1000000)
#define EVIDENCE_US                 UINT64_C(15000000)
#define RECOVERED_US                UINT64_C(5000000) /* a server that is well again answers within it */
#define NOT_RESTARTED               "not_restarted"
#define EVIDENCE_SHARE              4 /* at most this part of the time that is left goes into it */
#define RESTARTS_LIMIT_US(deadline) ((uint64_t)(deadline) + UINT64_C(60000000))

static const char *const outcomes[] = {"done", "failed", "given_up"};

enum { METRIC_RESTARTS, METRIC_GIVEN_UP };

struct row {
	LIST_ENTRY(row) link;
	struct target target;
	bool is_moved; /* a rollout moves the user to another version, and watches what becomes of it */
};

struct watchdog {
	struct t3ops_ctx *ctx;
	struct target_rules rules;
	LIST_HEAD(, row) rows;
	struct t3ops_timer *tick; /* while a server is not well */
	uint64_t strained_us;
};

/* ---- in the monitor: rows ------------------------------------------------------------------------------ */

static struct row *row_find(struct watchdog *w, const char *user)
{
	struct row *row;

	LIST_FOREACH (row, &w->rows, link)
		if (strcmp(row->target.user, user) == 0)
			break;
	return row;
}

static void given_up_show(struct watchdog *w, const struct target *t)
{
	w->ctx->host->gauge(w->ctx, METRIC_GIVEN_UP, (const char *[]){t->user}, t->state == TARGET_EXHAUSTED);
}

/* NULL without memory, or for a name that is none. */
static struct row *row_get(struct watchdog *w, const char *user)
{
	struct row *row = row_find(w, user);

	if (row != NULL || *user == '\0' || strlen(user) >= sizeof row->target.user)
		return row;
	row = calloc(1, sizeof *row);
	if (row == NULL)
		return NULL;
	strcpy(row->target.user, user);
	LIST_INSERT_HEAD(&w->rows, row, link);
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		w->ctx->host->count(w->ctx, METRIC_RESTARTS, (const char *[]){user, outcomes[i]}, 0);
	given_up_show(w, &row->target);
	return row;
}

static bool is_free(const struct watchdog *w, const struct row *but)
{
	const struct row *row;

	LIST_FOREACH (row, &w->rows, link)
		if (row != but && target_is_in_hand(&row->target))
			return false;
	return true;
}

/* ---- in the monitor: orders ---------------------------------------------------------------------------- */

static void outcome_report(struct watchdog *w, const struct target *t, const char *kind, const char *outcome,
                           const char *text)
{
	w->ctx->host->count(w->ctx, METRIC_RESTARTS, (const char *[]){t->user, outcome}, 1);
	w->ctx->host->emit(w->ctx, kind, t->user, 0, text);
}

static void backup_order(struct watchdog *w, struct target *t, uint64_t now_us)
{
	const char *backup = w->ctx->host->opt_string(w->ctx, "backup");

	w->ctx->host->emit(w->ctx, "server_restarting", t->user, 0,
	                   "a verdict names it alone, and its leg is down; a backup is made first");
	if (w->ctx->host->request_action(w->ctx, backup, "", t->user, NULL, NULL, NULL) < 0)
		target_ended(t, now_us);
}

static void restart_order(struct watchdog *w, struct target *t, uint64_t now_us)
{
	static const char *const patient[] = {"patient=", NULL};

	if (w->rules.backup_limit_us == 0)
		w->ctx->host->emit(w->ctx, "server_restarting", t->user, 0,
		                   "a verdict names it alone, and its leg is down");
	if (w->ctx->host->request_action(w->ctx, w->ctx->name, "restart", t->user, patient, NULL, NULL) < 0) {
		outcome_report(w, t, "server_restart_failed", "failed", "the jobs process cannot be reached");
		target_ended(t, now_us);
	}
}

static void give_up(struct watchdog *w, const struct target *t)
{
	char text[160];

	snprintf(text, sizeof text, "restarted %zu times within the window; it is yours now", t->n_restarts);
	outcome_report(w, t, "server_given_up", "given_up", text);
}

static void row_step(struct watchdog *w, struct row *row, uint64_t now_us)
{
	struct target *t = &row->target;
	enum target_state before = t->state;

	switch (target_step(t, &w->rules, w->strained_us, is_free(w, row) && !row->is_moved, now_us)) {
	case TARGET_BACK_UP:
		backup_order(w, t, now_us);
		break;
	case TARGET_RESTART:
		restart_order(w, t, now_us);
		break;
	case TARGET_GIVES_UP:
		give_up(w, t);
		break;
	case TARGET_WAITS:
		break;
	}
	if (t->state != before) {
		given_up_show(w, t);
		w->ctx->host->log(w->ctx, T3OPS_INFO, "target_changed", "%s is %s", t->user,
		                  target_state_name(t->state));
	}
}

static void on_tick(struct t3ops_ctx *ctx, void *arg);

/* The clock ticks while there is something to wait for. */
static void all_step(struct watchdog *w)
{
	uint64_t now_us = w->ctx->host->now_us(w->ctx);
	bool waits = false;
	struct row *row;

	LIST_FOREACH (row, &w->rows, link) {
		row_step(w, row, now_us);
		waits = waits || row->target.state != TARGET_WELL;
	}
	if (waits && w->tick == NULL)
		w->tick = w->ctx->host->timer_start(w->ctx, TICK_US, TICK_US, on_tick, NULL);
	if (!waits && w->tick != NULL) {
		w->ctx->host->timer_stop(w->ctx, w->tick);
		w->tick = NULL;
	}
}

static void on_tick(struct t3ops_ctx *ctx, void *arg)
{
	(void)arg;
	all_step(ctx->state);
}

/* ---- in the monitor: events ---------------------------------------------------------------------------- */

static bool is_one_of(const char *kind, const char *const *kinds)
{
	while (*kinds != NULL && strcmp(*kinds, kind) != 0)
		kinds++;
	return *kinds != NULL;
}

/* The user of "serve(alice)"; false: more is suspected than one server, or something else. */
static bool convicted_user(const struct watchdog *w, const char *segments, char *user, size_t size)
{
	const char *segment = w->ctx->host->opt_string(w->ctx, "segment");
	size_t len = strlen(segment), end = strlen(segments);

	if (strncmp(segments, segment, len) != 0 || segments[len] != '(' || segments[end - 1] != ')' ||
	    strstr(segments, ") ") != NULL)
		return false;
	return snprintf(user, size, "%.*s", (int)(end - len - 2), segments + len + 1) < (int)size;
}

static void verdict_clear(struct watchdog *w, uint64_t verdict)
{
	struct row *row;

	LIST_FOREACH (row, &w->rows, link)
		if (row->target.verdict == verdict)
			target_verdict(&row->target, 0);
}

/* A later revision may name something else. */
static void on_verdict(struct watchdog *w, const struct t3ops_event *e, uint64_t now_us)
{
	char user[T3OPS_USER_NAME_SIZE];
	struct row *row;

	verdict_clear(w, e->verdict);
	if (strcmp(e->segments, "host") == 0)
		w->strained_us = now_us;
	else if (convicted_user(w, e->segments, user, sizeof user) && (row = row_get(w, user)) != NULL)
		target_verdict(&row->target, e->verdict);
}

static void on_leg(struct watchdog *w, const struct t3ops_event *e, bool up, uint64_t now_us)
{
	const char *leg = w->ctx->host->opt_string(w->ctx, "leg");
	struct row *row = strcmp(e->plugin, leg) == 0 ? row_get(w, e->user) : NULL;

	if (row != NULL)
		target_leg(&row->target, up, now_us);
}

static void on_rollout(struct watchdog *w, const struct t3ops_event *e)
{
	bool all = *e->user == '\0'; /* it is over */
	struct row *row;

	if (!all)
		row_get(w, e->user);
	LIST_FOREACH (row, &w->rows, link)
		if (all || strcmp(row->target.user, e->user) == 0)
			row->is_moved = strcmp(e->kind, "user_moving") == 0;
}

static void on_backup_ended(struct watchdog *w, const struct t3ops_event *e, uint64_t now_us)
{
	struct row *row = strcmp(e->plugin, w->ctx->host->opt_string(w->ctx, "backup")) == 0 ? row_find(w, e->user)
	                                                                                     : NULL;

	if (row != NULL && row->target.state == TARGET_SAVING)
		target_ended(&row->target, now_us);
}

static void on_action_ended(struct watchdog *w, const struct t3ops_event *e, bool ok, uint64_t now_us)
{
	struct row *row = strcmp(e->plugin, w->ctx->name) == 0 ? row_find(w, e->user) : NULL;

	if (row == NULL || row->target.state != TARGET_RESTARTING)
		return;
	if (strstr(e->line, SERVER_HELD) != NULL || strstr(e->line, NOT_RESTARTED "=") != NULL) {
		target_refused(&row->target, now_us);
		return;
	}
	target_ended(&row->target, now_us);
	if (ok)
		outcome_report(w, &row->target, "server_restarted", "done", "it pairs again");
	else
		outcome_report(w, &row->target, "server_restart_failed", "failed",
		               "its event action_failed says why");
}

/* What an earlier monitor knew: how often it had each restarted, and what stands. */
static void on_earlier(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	struct watchdog *w = ctx->state;
	uint64_t now_us = ctx->host->now_us(ctx), wall_us = ctx->host->wall_us(ctx);
	uint64_t age_us = wall_us > e->time_us ? wall_us - e->time_us : 0;
	struct row *row;

	if (strcmp(e->kind, "verdict") == 0)
		on_verdict(w, e, now_us);
	else if (strcmp(e->kind, "server_restarting") == 0 && age_us < now_us && (row = row_get(w, e->user)) != NULL)
		target_restarted(&row->target, now_us - age_us); /* what was before this boot is over */
	all_step(w);
}

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	static const char *const strained[] = {"machine_suspended", "clock_jumped", "oom_killed", "memory_strained",
	                                       "cpu_starved",       "loop_lag",     NULL};
	static const char *const up[] = {"leg_up", "leg_alive", NULL};
	static const char *const down[] = {"leg_down", "leg_attempt_failed", NULL};
	static const char *const ended[] = {"verdict_healed", "verdict_expired", NULL};
	static const char *const rollout[] = {
	    "user_moving",     "user_moved", "user_deferred", "user_rolled_back", "rollout_done",
	    "rollout_stopped", NULL};
	struct watchdog *w = ctx->state;
	uint64_t now_us = ctx->host->now_us(ctx);

	if (is_one_of(e->kind, rollout))
		on_rollout(w, e);
	else if (strcmp(e->kind, "verdict") == 0)
		on_verdict(w, e, now_us);
	else if (is_one_of(e->kind, ended))
		verdict_clear(w, e->verdict);
	else if (is_one_of(e->kind, strained))
		w->strained_us = now_us;
	else if (is_one_of(e->kind, up))
		on_leg(w, e, true, now_us);
	else if (is_one_of(e->kind, down))
		on_leg(w, e, false, now_us);
	else if (strcmp(e->kind, "job_done") == 0 || strcmp(e->kind, "job_failed") == 0)
		on_backup_ended(w, e, now_us);
	else if (strcmp(e->kind, "action_done") == 0 || strcmp(e->kind, "action_failed") == 0)
		on_action_ended(w, e, strcmp(e->kind, "action_done") == 0, now_us);
	else
		return;
	all_step(w);
}

/* ---- in a job's process ---------------------------------------------------------------------------------- */

/* What cannot be saved keeps nobody from restarting it. */
static void evidence_keep(struct t3ops_ctx *ctx, const struct t3ops_user *user, uint64_t until_us)
{
	const char *to = ctx->host->opt_string(ctx, "evidence");
	uint64_t now_us = due_now_us();
	uint64_t limit_us = until_us > now_us ? (until_us - now_us) / EVIDENCE_SHARE : 0;
	char path[4096];
	int r;

	if (*to == '\0')
		return;
	r = evidence_save(to, user, (int)ctx->host->opt_int(ctx, "evidence_keep"),
	                  limit_us < EVIDENCE_US ? limit_us : EVIDENCE_US, path, sizeof path);
	if (r == 0 || r == -ETIMEDOUT)
		ctx->host->report(ctx, "evidence", "%s%s", path, r < 0 ? ", as far as it went in its time" : "");
	else
		ctx->host->report(ctx, "evidence_failed", "%s", strerror(-r));
}

static int pairs_check(struct t3ops_ctx *ctx, struct user_server *server, uint64_t until_us, char *why, size_t size)
{
	if (user_server_can_pair(server))
		return user_server_wait_pairs(server, until_us, why, size);
	ctx->host->report(ctx, "pairing", "not checked: no plugin pairs");
	return 0;
}

static int restart(struct user_server *server, uint64_t until_us, char *why, size_t size)
{
	int r;

	evidence_keep(server->ctx, server->user, until_us);
	r = user_server_command(server, "restart_command", until_us, why, size);
	return r == 0 ? pairs_check(server->ctx, server, until_us, why, size) : r;
}

/* Whether it is well again after agents were waited for. */
static bool has_recovered(struct user_server *server)
{
	char why[320];

	return user_server_can_pair(server) &&
	       user_server_wait_pairs(server, due_now_us() + RECOVERED_US, why, sizeof why) == 0;
}

static int act(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action)
{
	char database[4096] = "", why[320] = "";
	struct user_server server = {.ctx = ctx, .user = user, .database = database};
	uint64_t until_us = run_until_us(ctx);
	int r;

	(void)action; /* restart is the only one */
	umask(0077);
	user_path(database, sizeof database, ctx->host->opt_string(ctx, "database"), user); /* else it is not found */
	r = server_hold(user, why, sizeof why);
	if (r == 0 && ctx->host->argument(ctx, "patient") != NULL && agents_wait(&server, until_us) &&
	    has_recovered(&server)) {
		ctx->host->report(ctx, NOT_RESTARTED, "it pairs again by itself");
		return 0;
	}
	if (r == 0)
		r = restart(&server, until_us, why, sizeof why);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

/* Whether the server pairs, without a restart. */
static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	struct user_server server = {.ctx = ctx, .user = user, .database = ""};
	char why[320] = "";
	int r = pairs_check(ctx, &server, run_until_us(ctx), why, sizeof why);

	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static int init(struct t3ops_ctx *ctx)
{
	struct watchdog *w = calloc(1, sizeof *w);
	const struct t3ops_host *host = ctx->host;
	bool saves = *host->opt_string(ctx, "backup") != '\0';

	if (w == NULL)
		return -ENOMEM;
	w->ctx = ctx;
	LIST_INIT(&w->rows);
	w->rules = (struct target_rules){
	    .patience_us = (uint64_t)host->opt_int(ctx, "patience"),
	    .grace_us = (uint64_t)host->opt_int(ctx, "grace"),
	    .window_us = (uint64_t)host->opt_int(ctx, "window"),
	    .backup_limit_us = saves ? (uint64_t)host->opt_int(ctx, "backup_limit") : 0,
	    .restart_limit_us = RESTARTS_LIMIT_US(host->opt_int(ctx, "deadline")),
	    .max_restarts = host->opt_int(ctx, "max_restarts"),
	};
	ctx->state = w;
	return 0;
}

static void stop(struct t3ops_ctx *ctx)
{
	struct watchdog *w = ctx->state;
	struct row *row;

	while ((row = LIST_FIRST(&w->rows)) != NULL) {
		LIST_REMOVE(row, link);
		target_fini(&row->target);
		free(row);
	}
	free(w);
}

static const struct t3ops_option options[] = {
    {"restart_command", T3OPS_OPT_COMMAND, T3OPS_REQUIRED, 0, 0, "Command that restarts a user's t3 server."},
    {"patience", T3OPS_OPT_DURATION, "60s", 1000000, INT64_C(86400000000),
     "For how long a server must hang without a break; a machine that stands still or is short of memory or CPU "
     "begins "
     "it anew."},
    {"grace", T3OPS_OPT_DURATION, "2m", 0, INT64_C(86400000000),
     "A server that was not up for so long before is given so much time to come up."},
    {"max_restarts", T3OPS_OPT_INT, "3", 1, 1000, "How often one server is restarted within the window."},
    {"window", T3OPS_OPT_DURATION, "1h", 1000000, INT64_C(30) * 86400000000, "That window."},
    {"backup", T3OPS_OPT_JOB, "", 0, 0, "Section of a job that is run for the user before a restart."},
    {"backup_limit", T3OPS_OPT_DURATION, "2m", 1000000, INT64_C(86400000000),
     "How long its end is waited for, whatever it becomes."},
    {"evidence", T3OPS_OPT_USER_DIR, "", 0, 0,
     "Directory of what is saved before a restart; each user gets a private directory in it."},
    {"evidence_keep", T3OPS_OPT_INT, "20", 1, 100000, "How many files of it each user keeps."},
    {"agent_patience", T3OPS_OPT_DURATION, "30s", 0, INT64_C(86400000000),
     "For how long agents and terminals of the server, which a restart ends, are waited for, and at most for a "
     "quarter "
     "of the deadline; then it is restarted all the same."},
    {"ignore_processes", T3OPS_OPT_LIST | T3OPS_OPT_STRING, "", 0, 0,
     "Names of processes of the server that are not waited for."},
    {"database", T3OPS_OPT_STRING, "%h/.t3/userdata/state.sqlite", 0, 0,
     "The user's database, which tells the server: %h home, %u OS user, %n table name, %% a percent sign."},
    {"leg", T3OPS_OPT_STRING, "probe_t3serve", 0, 0, "Section of the leg to every user's t3 server."},
    {"segment", T3OPS_OPT_SEGMENT, "serve", 0, 0, "The segment of that leg."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_RESTARTS] = {.name = "t3ops_watchdog_restarts_total",
                         .type = T3OPS_COUNTER,
                         .labels = {"user", "outcome"},
                         .help = "Restarts of a user's t3 server by the watchdog: done, failed, or given_up."},
    [METRIC_GIVEN_UP] = {.name = "t3ops_watchdog_given_up",
                         .type = T3OPS_GAUGE,
                         .labels = {"user"},
                         .help = "1 while the watchdog restarts a user's t3 server no more."},
};

static const struct t3ops_action actions[] = {
    {"restart", "patient", "Saves evidence, has the t3 server restarted, and pairs with it.", true},
};

T3OPS_PLUGIN(watchdog) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_WATCH | T3OPS_ROLE_JOB,
    .name = "watchdog",
    .version = PACKAGE_VERSION,
    .summary = "restarts a t3 server that hangs",
    .wants = T3OPS_SERVICE_PAIRING,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .stop = stop,
    .run = run,
    T3OPS_ACTIONS(actions),
    .act = act,
    .on_event = on_event,
    .on_earlier = on_earlier,
};
