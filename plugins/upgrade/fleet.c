/* SPDX-License-Identifier: MIT */
/* See fleet.h. */
#include "fleet.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/server_hold.h"
#include "evidence.h"
#include "outcomes.h"
#include "members.h"
#include "text_json.h"
#include "watch.h"

#define FILE_NAME    "rollout"
#define STATE_MAX    (1 << 20)
#define PAUSE_US     UINT64_C(3000000) /* before what could not be asked for is asked for again */
#define ATTEMPTS_MAX 5
#define WHY_SIZE     400
#define ARGUMENTS    8

enum fleet_state {
	IDLE,
	SURVEYING,
	PROVING,
	PINNING,
	MOVING,
	BAKING,
	JUDGING,
	UNDOING,
	WAITING,
	RELEASING,
	FREEZING,
	SETTLING,
	STATES
};
static const char *const state_names[] = {"IDLE",    "SURVEYING", "PROVING", "PINNING",   "MOVING",   "BAKING",
                                          "JUDGING", "UNDOING",   "WAITING", "RELEASING", "FREEZING", "SETTLING"};

struct fleet {
	struct t3ops_ctx *ctx;
	json_t *all; /* as on disk */
	enum fleet_state state;
	struct t3ops_timer *timer;
	uintptr_t order; /* number of the last one; answers to others are late */
	unsigned attempts;
	struct evidence evidence;
	void (*moved_back)(void *arg, const char *user);
	void *arg;
};

static void state_begin(struct fleet *f);

/* ---- what is on disk -------------------------------------------------------------------------------------- */

static const char *text(const struct fleet *f, const char *key)
{
	const char *value = json_string_value(json_object_get(f->all, key));

	return value != NULL ? value : "";
}

static void text_set(struct fleet *f, const char *key, const char *value)
{
	json_object_set_new(f->all, key, text_json(value));
}

static json_t *users(const struct fleet *f)
{
	return json_object_get(f->all, "users");
}

static uint64_t now_s(const struct fleet *f)
{
	return f->ctx->host->wall_us(f->ctx) / 1000000;
}

static int save(struct fleet *f)
{
	char *dump = json_dumps(f->all, JSON_COMPACT);
	int r = dump != NULL ? f->ctx->host->secret_save(f->ctx, FILE_NAME, dump) : -ENOMEM;

	free(dump);
	if (r < 0)
		f->ctx->host->log(
		    f->ctx, T3OPS_ERROR, "rollout_halted",
		    "its state cannot be written to state_dir, so nothing more is done: %s; it is tried "
		    "again",
		    strerror(-r));
	return r;
}

static void show(struct fleet *f)
{
	static const char *const shown[] = {"waiting", "done",        "same",     "frozen", "absent",
	                                    "left",    "rolled_back", "rejected", "failed"};

	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		f->ctx->host->gauge(f->ctx, METRIC_USERS, (const char *[]){shown[i]},
		                    f->state == IDLE && strcmp(shown[i], "waiting") == 0
		                        ? 0
		                        : (double)members_count(users(f), shown[i]));
	f->ctx->host->gauge(f->ctx, METRIC_ROLLOUT, NULL, f->state != IDLE);
}

static void timer_set(struct fleet *f, uint64_t after_us, void (*cb)(struct t3ops_ctx *, void *))
{
	if (f->timer != NULL)
		f->ctx->host->timer_stop(f->ctx, f->timer);
	f->timer = f->ctx->host->timer_start(f->ctx, after_us, 0, cb, f);
}

static void on_again(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;

	(void)ctx;
	f->timer = NULL;
	state_begin(f);
}

/* The only place that changes it.  Work begins when it is on disk. */
static void state_set(struct fleet *f, enum fleet_state state, const char *user)
{
	f->state = state;
	f->attempts = 0;
	text_set(f, "state", state_names[state]);
	text_set(f, "user", user);
	json_object_set_new(f->all, "since", json_integer((json_int_t)now_s(f)));
	show(f);
	timer_set(f, 0, on_again);
}

/* The rollout ends so. */
static void end(struct fleet *f, enum fleet_state state, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static void end(struct fleet *f, enum fleet_state state, const char *fmt, ...)
{
	char outcome[WHY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(outcome, sizeof outcome, fmt, ap);
	va_end(ap);
	text_set(f, "outcome", outcome);
	state_set(f, state, "");
}

/* ---- orders ----------------------------------------------------------------------------------------------- */

/* The arguments of the run that every user's check and run get, and `more`; out has room for ARGUMENTS. */
static void arguments_fill(const struct fleet *f, const char *more, char texts[ARGUMENTS][WHY_SIZE],
                           const char *out[ARGUMENTS + 1])
{
	const json_t *asked = json_object_get(f->all, "arguments");
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)asked, name, value)
		if (n < ARGUMENTS - 1 && strcmp(name, more) != 0)
			snprintf(texts[n++], WHY_SIZE, "%s=%s", name, json_string_value(value));
	if (*more != '\0')
		snprintf(texts[n++], WHY_SIZE, "%s", more);
	for (size_t i = 0; i < n; i++)
		out[i] = texts[i];
	out[n] = NULL;
}

static void again_later(struct fleet *f, uint64_t after_us)
{
	timer_set(f, after_us, on_again);
}

static void order(struct fleet *f, const char *job, const char *action, const char *const *arguments,
                  t3ops_acted_cb cb)
{
	int r = f->ctx->host->request_action(f->ctx, job, action, text(f, "user"), arguments, cb,
	                                     (void *)++f->order); /* NOLINT: a number */

	if (r == -EHOSTDOWN || r == -ENOMEM)
		again_later(f, PAUSE_US);
	else if (r < 0)
		end(f, SETTLING, "stopped: %s %s cannot be asked for: %s", job, action, strerror(-r));
}

/* Behind "1 of 1 failed; alice: ". */
static const char *reason_of(const struct fleet *f, const struct t3ops_acted *a)
{
	char before[T3OPS_USER_NAME_SIZE + 8];
	const char *at;

	snprintf(before, sizeof before, "; %s: ", text(f, "user"));
	at = strstr(a->text, before);
	return at != NULL ? at + strlen(before) : a->text;
}

static bool begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static struct fleet *fleet_of(struct t3ops_ctx *ctx)
{
	return ((struct watch *)ctx->state)->fleet;
}

/* NULL: the answer is late. */
static struct fleet *answered(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = fleet_of(ctx);

	return f != NULL && f->order == (uintptr_t)arg ? f : NULL;
}

/* What a monitor or a jobs process before this one began is still at work. */
static bool is_in_progress(const struct t3ops_acted *a)
{
	return a->error == -EHOSTDOWN || strstr(a->text, "another run for this user") != NULL ||
	       strstr(a->text, SERVER_HELD) != NULL || strstr(a->text, strerror(EBUSY)) != NULL;
}

/* What may be otherwise the next time is tried a few times; true: it will be. */
static bool is_tried_again(struct fleet *f, const struct t3ops_acted *a)
{
	if (!is_in_progress(a) && ++f->attempts >= ATTEMPTS_MAX)
		return false;
	again_later(f, PAUSE_US);
	return true;
}

/* ---- SURVEYING, and whose turn it is ------------------------------------------------------------------------- */

static void next_choose(struct fleet *f)
{
	const char *unproven = members_unproven(users(f)), *canary = f->ctx->host->opt_string(f->ctx, "canary"),
	           *next;
	bool has_backup = *f->ctx->host->opt_string(f->ctx, "backup") != '\0';

	if (members_count(users(f), "waiting") == 0) {
		end(f, has_backup && members_count(users(f), "done") > 0 ? RELEASING : SETTLING,
		    "done: %zu moved, %zu had it already, %zu frozen", members_count(users(f), "done"),
		    members_count(users(f), "same"), members_count(users(f), "frozen"));
		return;
	}
	if (unproven != NULL) {
		state_set(f, PROVING, unproven);
		return;
	}
	next = members_next(users(f), canary);
	if (next == NULL)
		state_set(f, WAITING, "");
	else
		state_set(f, has_backup ? PINNING : MOVING, next);
}

/* {"user":...} a line. */
static void rows_take(struct fleet *f, const char *rows)
{
	while (*rows != '\0') {
		size_t len = strcspn(rows, "\n");
		json_t *row = json_loadb(rows, len, 0, NULL);

		if (json_is_string(json_object_get(row, "user")))
			members_survey(users(f), row);
		json_decref(row);
		rows += len + (rows[len] == '\n');
	}
}

static void deferred_report(struct fleet *f)
{
	const char *user;
	json_t *row;

	json_object_foreach (users(f), user, row) {
		const char *busy = members_text(users(f), user, "busy");

		if (strcmp(members_text(users(f), user, "is"), "waiting") != 0 || *busy == '\0' ||
		    json_is_true(json_object_get(row, "deferred")))
			continue;
		json_object_set_new(row, "deferred", json_true());
		f->ctx->host->emit(f->ctx, "user_deferred", user, 0, busy);
	}
}

static void on_survey(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);

	if (f == NULL)
		return;
	if (strstr(a->text, "more rows do not fit") != NULL) {
		end(f, SETTLING, "stopped: there are more users than one survey can tell of");
		return;
	}
	members_survey_begin(users(f));
	rows_take(f, a->rows);
	if (json_object_size(users(f)) == 0 && !is_tried_again(f, a))
		end(f, SETTLING, "stopped: nobody could be looked at: %.300s", a->text);
	if (json_object_size(users(f)) == 0)
		return;
	deferred_report(f);
	next_choose(f);
}

static void surveying(struct fleet *f)
{
	order(f, f->ctx->name, "survey", NULL, on_survey);
}

/* ---- PROVING ------------------------------------------------------------------------------------------------- */

/* What was not said before is the same for everybody from now on. */
static void version_fix(struct fleet *f, const json_t *row)
{
	json_t *asked = json_object_get(f->all, "arguments");
	const char *to = json_string_value(json_object_get(row, "to"));

	if (json_object_get(asked, "to") != NULL)
		return;
	if (to == NULL)
		to = json_string_value(json_object_get(row, "candidate"));
	if (to != NULL)
		json_object_set_new(asked, "to", json_string(to));
}

static void on_proven(struct fleet *f, const struct t3ops_acted *a)
{
	json_t *row = json_loadb(a->rows, strcspn(a->rows, "\n"), 0, NULL);
	const char *verdict = json_string_value(json_object_get(row, "verdict"));

	version_fix(f, row);
	if (verdict != NULL && strcmp(verdict, "same") == 0)
		members_set(users(f), text(f, "user"), "same", "");
	else
		members_prove(users(f), text(f, "user"));
	json_decref(row);
	next_choose(f);
}

static void on_checked(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);
	const char *reason;

	if (f == NULL)
		return;
	reason = reason_of(f, a);
	if (a->error == 0) {
		on_proven(f, a);
	} else if (strstr(reason, "rejected: ") != NULL || strstr(reason, " was rejected") != NULL) {
		members_set(users(f), text(f, "user"), "rejected", reason);
		end(f, SETTLING, "rejected for %.60s: %.300s", text(f, "user"), reason);
	} else if (begins(reason, "gate_broken: ") || !is_tried_again(f, a)) {
		end(f, SETTLING, "stopped at the gate of %.60s: %.300s", text(f, "user"), reason);
	}
}

static void proving(struct fleet *f)
{
	static char texts[ARGUMENTS][WHY_SIZE];
	const char *arguments[ARGUMENTS + 1];

	arguments_fill(f, "new", texts, arguments);
	order(f, f->ctx->name, "check", arguments, on_checked);
}

/* ---- PINNING, MOVING ----------------------------------------------------------------------------------------- */

static void on_pinned(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);

	if (f == NULL)
		return;
	if (a->error == 0)
		state_set(f, MOVING, text(f, "user"));
	else if (!is_tried_again(f, a))
		end(f, SETTLING, "stopped: %.60s has no backup: %.300s", text(f, "user"), reason_of(f, a));
}

static void pinning(struct fleet *f)
{
	order(f, f->ctx->host->opt_string(f->ctx, "backup"), "hold", NULL, on_pinned);
}

static void failure_freeze(struct fleet *f, const char *is, const char *reason)
{
	if (strcmp(is, "rolled_back") == 0)
		f->ctx->host->emit(f->ctx, "user_rolled_back", text(f, "user"), 0, reason);
	members_set(users(f), text(f, "user"), is, reason);
	end(f, FREEZING, "%s: %.60s: %.300s", is, text(f, "user"), reason);
}

static void on_moved(struct fleet *f)
{
	if (json_object_get(f->all, "canary") == NULL)
		text_set(f, "canary", text(f, "user"));
	state_set(f, BAKING, text(f, "user"));
	evidence_moved(&f->evidence, f->ctx->host->wall_us(f->ctx));
}

/* A user whom the job itself has frozen was rolled back by it, before this could be told. */
static bool was_rolled_back(const char *reason)
{
	return begins(reason, "rolled back: ") ||
	       (begins(reason, "frozen: ") &&
	        (strstr(reason, "STOPPING: ") != NULL || strstr(reason, "SAVING: ") != NULL ||
	         strstr(reason, "SWITCHING: ") != NULL || strstr(reason, "STARTING: ") != NULL));
}

static void on_run(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);
	const char *reason;

	if (f == NULL)
		return;
	reason = reason_of(f, a);
	if (a->error == 0) {
		on_moved(f);
	} else if (was_rolled_back(reason)) {
		failure_freeze(f, "rolled_back", reason);
	} else if (begins(reason, "NOT ROLLED BACK: ")) {
		again_later(f, (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"));
	} else if (strstr(reason, "rejected") != NULL) {
		failure_freeze(f, "rejected", reason);
	} else if (begins(reason, "not moved: ")) { /* t3's own updater is in charge */
		members_set(users(f), text(f, "user"), "left", reason);
		state_set(f, SURVEYING, "");
	} else if (begins(reason, "busy: ") || begins(reason, "frozen: ")) {
		state_set(f, SURVEYING, "");
	} else if (begins(reason, "gate_broken: ")) {
		state_set(f, WAITING, "");
	} else if (!is_tried_again(f, a)) {
		failure_freeze(f, "failed", reason);
	}
}

static void moving(struct fleet *f)
{
	static char texts[ARGUMENTS][WHY_SIZE];
	const char *arguments[ARGUMENTS + 1];

	evidence_begin(&f->evidence, text(f, "user"));
	arguments_fill(f, "", texts, arguments);
	f->ctx->host->emit(f->ctx, "user_moving", text(f, "user"), 0, text(f, "to"));
	order(f, f->ctx->name, "run", arguments, on_run);
}

/* ---- BAKING, JUDGING ------------------------------------------------------------------------------------------- */

static bool is_canary(const struct fleet *f)
{
	return strcmp(text(f, "canary"), text(f, "user")) == 0;
}

static void convict(struct fleet *f, const char *what)
{
	char why[WHY_SIZE];

	snprintf(why, sizeof why, "BAKING: %.300s", what);
	text_set(f, "why", why);
	state_set(f, UNDOING, text(f, "user"));
}

static void on_baked(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;
	const char *what = evidence_judge(&f->evidence);

	(void)ctx;
	f->timer = NULL;
	if (what != NULL)
		convict(f, what);
	else
		state_set(f, JUDGING, text(f, "user"));
}

/* Of what was seen before this monitor nothing is known: the time begins anew. */
static void baking(struct fleet *f)
{
	if (strcmp(f->evidence.user, text(f, "user")) != 0) {
		f->ctx->host->emit(f->ctx, "user_moving", text(f, "user"), 0, "it is watched again");
		evidence_begin(&f->evidence, text(f, "user"));
		evidence_moved(&f->evidence, f->ctx->host->wall_us(f->ctx));
	}
	timer_set(f, (uint64_t)f->ctx->host->opt_int(f->ctx, is_canary(f) ? "bake" : "settle"), on_baked);
}

static void on_judged(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);
	char drops[80];

	if (f == NULL)
		return;
	if (a->error == 0) {
		snprintf(drops, sizeof drops, "%u drops since, %u by the server", f->evidence.drops,
		         f->evidence.server_drops);
		members_set(users(f), text(f, "user"), "done", drops);
		f->ctx->host->emit(f->ctx, "user_moved", text(f, "user"), 0, drops);
		state_set(f, SURVEYING, "");
	} else if (begins(reason_of(f, a), "it does not pair") || !is_tried_again(f, a)) {
		convict(f, reason_of(f, a));
	}
}

static void judging(struct fleet *f)
{
	order(f, f->ctx->name, "verify", NULL, on_judged);
}

/* ---- UNDOING, FREEZING --------------------------------------------------------------------------------------------
 */

static void on_undone(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);

	if (f == NULL)
		return;
	if (a->error != 0) { /* until it is done: half of it is no state to leave a user in */
		again_later(f, a->error == -EHOSTDOWN ? PAUSE_US : (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"));
		return;
	}
	f->moved_back(f->arg, text(f, "user"));
	failure_freeze(f, "rolled_back", text(f, "why"));
}

static void undoing(struct fleet *f)
{
	char why[WHY_SIZE + 8];
	const char *arguments[] = {why, "bad", NULL};

	snprintf(why, sizeof why, "why=%s", text(f, "why"));
	order(f, f->ctx->name, "rollback", arguments, on_undone);
}

static void on_frozen(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);

	if (f == NULL || (a->error != 0 && is_tried_again(f, a)))
		return;
	state_set(f, SETTLING, "");
}

static void freezing(struct fleet *f)
{
	char why[WHY_SIZE + 8];
	const char *arguments[] = {why, "unless-frozen", NULL};

	snprintf(why, sizeof why, "why=%s", text(f, "outcome"));
	order(f, f->ctx->name, "freeze", arguments, on_frozen);
}

/* ---- WAITING, RELEASING, SETTLING ---------------------------------------------------------------------------------
 */

static void on_waited(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;

	(void)ctx;
	f->timer = NULL;
	state_set(f, SURVEYING, "");
}

static void waiting(struct fleet *f)
{
	timer_set(f, (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"), on_waited);
}

static void on_released(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);

	if (f == NULL || (a->error != 0 && is_tried_again(f, a)))
		return;
	if (a->error != 0)
		f->ctx->host->log(f->ctx, T3OPS_WARNING, "backups_kept", "backups stay pinned: %.300s", a->text);
	state_set(f, SETTLING, "");
}

static void releasing(struct fleet *f)
{
	order(f, f->ctx->host->opt_string(f->ctx, "backup"), "release", NULL, on_released);
}

static void on_settled(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = answered(ctx, arg);

	if (f == NULL || (a->error != 0 && is_tried_again(f, a)))
		return;
	f->ctx->host->emit(f->ctx, begins(text(f, "outcome"), "done") ? "rollout_done" : "rollout_stopped", NULL, 0,
	                   text(f, "outcome"));
	state_set(f, IDLE, "");
}

static void settling(struct fleet *f)
{
	const char *arguments[] = {"settle", NULL};

	order(f, f->ctx->name, "survey", arguments, on_settled);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------
 */

static void state_begin(struct fleet *f)
{
	static void (*const begin[STATES])(struct fleet *) = {
	    [SURVEYING] = surveying, [PROVING] = proving,   [PINNING] = pinning,  [MOVING] = moving,
	    [BAKING] = baking,       [JUDGING] = judging,   [UNDOING] = undoing,  [WAITING] = waiting,
	    [RELEASING] = releasing, [FREEZING] = freezing, [SETTLING] = settling};

	if (save(f) < 0)
		again_later(f, PAUSE_US);
	else if (begin[f->state] != NULL)
		begin[f->state](f);
}

void fleet_event(struct fleet *f, const struct t3ops_event *e)
{
	if (f->state != MOVING && f->state != BAKING && f->state != JUDGING)
		return;
	evidence_event(&f->evidence, e);
	if (f->state == BAKING && f->evidence.convicted[0] != '\0')
		convict(f, f->evidence.convicted);
}

/* ---- what people ask for
 * -------------------------------------------------------------------------------------------- */

static int refuse(struct fleet *f, int error, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static int refuse(struct fleet *f, int error, const char *fmt, ...)
{
	char why[WHY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	f->ctx->host->report(f->ctx, "error", "%s", why);
	return error;
}

/* Those of the action, as every user's check and run take them. */
static json_t *arguments_take(const struct fleet *f)
{
	static const char *const names[] = {"to", "again", "downgrade", "prerelease"};
	json_t *taken = json_object();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = f->ctx->host->argument(f->ctx, names[i]);

		if (value != NULL)
			json_object_set_new(taken, names[i], json_string(value));
	}
	return taken;
}

static void row_report(struct fleet *f)
{
	f->ctx->host->report(f->ctx, "state", "%s", state_names[f->state]);
	f->ctx->host->report(f->ctx, "to", "%s",
	                     json_object_get(json_object_get(f->all, "arguments"), "to") != NULL
	                         ? json_string_value(json_object_get(json_object_get(f->all, "arguments"), "to"))
	                         : "");
	f->ctx->host->report(f->ctx, "moving", "%s", text(f, "user"));
	f->ctx->host->report(f->ctx, "canary", "%s", text(f, "canary"));
	f->ctx->host->report(f->ctx, "outcome", "%s", text(f, "outcome"));
	f->ctx->host->report_row(f->ctx);
}

static int run(struct fleet *f)
{
	const struct t3ops_host *host = f->ctx->host;

	if (host->argument(f->ctx, "dry-run") != NULL)
		return refuse(f, -EINVAL, "a dry run is for one user; t3opsctl %s check --dry-run tells of everybody",
		              f->ctx->name);
	if (host->argument(f->ctx, "now") != NULL)
		return refuse(f, -EINVAL, "--now is for one user: a rollout waits until each is idle");
	if (f->state != IDLE)
		return refuse(f, -EBUSY, "a rollout is in progress (%s %s); t3opsctl %s progress shows it",
		              state_names[f->state], text(f, "user"), f->ctx->name);
	if (*host->opt_string(f->ctx, "stop_command") == '\0' || *host->opt_string(f->ctx, "start_command") == '\0')
		return refuse(f, -ENOENT, "nobody can be moved without the options stop_command and start_command");
	json_decref(f->all);
	f->all = json_pack("{s:o, s:{}, s:I}", "arguments", arguments_take(f), "users", "began",
	                   (json_int_t)now_s(f));
	host->emit(f->ctx, "rollout_started", NULL, 0, host->argument(f->ctx, "to"));
	state_set(f, SURVEYING, "");
	row_report(f);
	return 0;
}

static int progress(struct fleet *f)
{
	const char *user;
	json_t *row;

	row_report(f);
	json_object_foreach (users(f), user, row) {
		const char *is = members_text(users(f), user, "is"), *why = members_text(users(f), user, "why");
		bool in_hand = strcmp(is, "waiting") == 0 && strcmp(text(f, "user"), user) == 0;

		f->ctx->host->report(f->ctx, "user", "%s", user);
		f->ctx->host->report(f->ctx, "is", "%s", in_hand ? "in progress" : is);
		f->ctx->host->report(
		    f->ctx, "why", "%s%s",
		    strcmp(is, "waiting") == 0 && *why != '\0' ? "will migrate at the next quiet gap, because " : "",
		    why);
		f->ctx->host->report_row(f->ctx);
	}
	return 0;
}

int fleet_act(struct fleet *f, const char *action)
{
	return strcmp(action, "run") == 0 ? run(f) : progress(f);
}

/* ---- life
 * ----------------------------------------------------------------------------------------------------------- */

static enum fleet_state state_parse(const char *name)
{
	enum fleet_state state = IDLE;

	while (state < STATES && strcmp(state_names[state], name) != 0)
		state++;
	return state;
}

/* What cannot be read is left where it is, and nothing is begun. */
static void load(struct fleet *f)
{
	char *dump = malloc(STATE_MAX);
	int n = dump != NULL ? f->ctx->host->secret_load(f->ctx, FILE_NAME, dump, STATE_MAX) : -ENOMEM;
	json_t *all = n > 0 ? json_loadb(dump, (size_t)n, 0, NULL) : NULL;
	const char *name = json_string_value(json_object_get(all, "state"));
	enum fleet_state state = name != NULL ? state_parse(name) : STATES;

	free(dump);
	if (n == -ENOENT || (state < STATES && json_is_object(json_object_get(all, "users")))) {
		f->state = n == -ENOENT ? IDLE : state;
		f->all = n == -ENOENT ? json_pack("{s:{}, s:{}}", "users", "arguments") : json_incref(all);
	} else {
		f->all = json_pack("{s:{}, s:{}}", "users", "arguments");
		f->ctx->host->log(f->ctx, T3OPS_ERROR, "rollout_lost",
		                  "secrets/%s/" FILE_NAME " of state_dir cannot be read%s%s: whatever rollout was in "
		                  "progress is not gone on with",
		                  f->ctx->name, n < 0 ? ": " : "", n < 0 ? strerror(-n) : "");
	}
	json_decref(all);
}

/* The monitor before this one may have gone on until now. */
static void on_start(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;

	(void)ctx;
	f->timer = NULL;
	json_decref(f->all);
	load(f);
	show(f);
	state_begin(f);
}

struct fleet *fleet_new(struct t3ops_ctx *ctx, void (*moved_back)(void *arg, const char *user), void *arg)
{
	struct fleet *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	*f = (struct fleet){.ctx = ctx, .moved_back = moved_back, .arg = arg};
	f->evidence = (struct evidence){.leg = ctx->host->opt_string(ctx, "leg"),
	                                .segment = ctx->host->opt_string(ctx, "segment"),
	                                .drops_max = ctx->host->opt_int(ctx, "drops")};
	load(f);
	show(f);
	if (f->state != IDLE)
		timer_set(f, PAUSE_US, on_start);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	json_decref(f->all);
	free(f);
}
