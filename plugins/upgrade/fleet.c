/* SPDX-License-Identifier: MIT */
/* See fleet.h. */
#include "fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automatic.h"
#include "fleet_ask.h"
#include "fleet_state.h"
#include "fleet_survey.h"
#include "members.h"
#include "order.h"

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
		members_set(fleet_users(f), fleet_text(f, "user"), "same", "");
	else if (verdict != NULL && strcmp(verdict, "pinned") == 0)
		members_set(fleet_users(f), fleet_text(f, "user"), "left", "pinned to another version");
	else
		members_prove(fleet_users(f), fleet_text(f, "user"));
	json_decref(row);
	fleet_next(f);
}

static void on_checked(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);
	const char *reason;

	if (f == NULL)
		return;
	reason = order_reason(f, a);
	if (a->error == 0) {
		on_proven(f, a);
	} else if (strstr(reason, "rejected: ") != NULL || strstr(reason, " was rejected") != NULL) {
		members_set(fleet_users(f), fleet_text(f, "user"), "rejected", order_plain(reason));
		fleet_end(f, SETTLING, "rejected for %.60s: %.300s", fleet_text(f, "user"), order_plain(reason));
	} else if (order_begins(reason, "gate_broken: ") || !order_is_tried_again(f, a)) {
		fleet_end(f, SETTLING, "stopped at the gate of %.60s: %.300s", fleet_text(f, "user"), reason);
	}
}

static void proving(struct fleet *f)
{
	static char texts[ARGUMENTS][WHY_SIZE];
	const char *arguments[ARGUMENTS + 1];

	order_arguments(f, "new", texts, arguments);
	order_give(f, f->ctx->name, "check", arguments, on_checked);
}

/* ---- PINNING, MOVING ----------------------------------------------------------------------------------------- */

static void on_pinned(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);

	if (f == NULL)
		return;
	if (a->error == 0)
		fleet_state_set(f, MOVING, fleet_text(f, "user"));
	else if (!order_is_tried_again(f, a))
		fleet_end(f, SETTLING, "stopped: %.60s has no backup: %.300s", fleet_text(f, "user"),
		          order_reason(f, a));
}

static void pinning(struct fleet *f)
{
	order_give(f, f->ctx->host->opt_string(f->ctx, "backup"), "hold", NULL, on_pinned);
}

static void failure_freeze(struct fleet *f, const char *is, const char *said)
{
	const char *reason = order_plain(said);

	if (strcmp(is, "rolled_back") == 0)
		f->ctx->host->emit(f->ctx, "user_rolled_back", fleet_text(f, "user"), 0, reason);
	members_set(fleet_users(f), fleet_text(f, "user"), is, reason);
	fleet_end(f, FREEZING, "%s: %.60s: %.300s", is, fleet_text(f, "user"), reason);
}

static void on_moved(struct fleet *f)
{
	if (json_object_get(f->all, "canary") == NULL)
		fleet_text_set(f, "canary", fleet_text(f, "user"));
	json_object_del(f->all, "gates_broken");
	fleet_state_set(f, BAKING, fleet_text(f, "user"));
	evidence_moved(&f->evidence, f->ctx->host->wall_us(f->ctx));
}

/* The others wait, too: what is wrong with one user's gate is hardly that user. */
static void on_gate_broken(struct fleet *f, const char *reason)
{
	json_int_t broken = json_integer_value(json_object_get(f->all, "gates_broken")) + 1;

	json_object_set_new(f->all, "gates_broken", json_integer(broken));
	f->ctx->host->emit(f->ctx, "user_deferred", fleet_text(f, "user"), 0, reason);
	if (broken < FLEET_GATES_BROKEN_MAX)
		fleet_state_set(f, WAITING, "");
	else
		fleet_end(f, SETTLING, "stopped at the gate of %.60s, the last of %d tries: %.300s",
		          fleet_text(f, "user"), FLEET_GATES_BROKEN_MAX, reason);
}

/* A user whom the job itself has frozen was rolled back by it, before this could be told. */
static bool was_rolled_back(const char *reason)
{
	return order_begins(reason, "rolled back: ") ||
	       (order_begins(reason, "frozen: ") &&
	        (strstr(reason, "STOPPING: ") != NULL || strstr(reason, "SAVING: ") != NULL ||
	         strstr(reason, "SWITCHING: ") != NULL || strstr(reason, "STARTING: ") != NULL));
}

static void on_run(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);
	const char *reason;

	if (f == NULL)
		return;
	reason = order_reason(f, a);
	if (a->error == 0) {
		on_moved(f);
	} else if (was_rolled_back(reason)) {
		failure_freeze(f, "rolled_back", reason);
	} else if (order_begins(reason, "NOT ROLLED BACK: ")) {
		fleet_again_later(f, (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"));
	} else if (strstr(reason, "rejected") != NULL) {
		failure_freeze(f, "rejected", reason);
	} else if (order_begins(reason, "not moved: ")) { /* t3's own updater is in charge */
		members_set(fleet_users(f), fleet_text(f, "user"), "left", reason);
		fleet_state_set(f, SURVEYING, "");
	} else if (order_begins(reason, "busy: ") || order_begins(reason, "frozen: ")) {
		fleet_state_set(f, SURVEYING, "");
	} else if (order_begins(reason, "gate_broken: ")) {
		on_gate_broken(f, reason);
	} else if (!order_is_tried_again(f, a)) {
		failure_freeze(f, "failed", reason);
	}
}

static void moving(struct fleet *f)
{
	static char texts[ARGUMENTS][WHY_SIZE];
	const char *arguments[ARGUMENTS + 1];

	evidence_begin(&f->evidence, fleet_text(f, "user"));
	order_arguments(f, "", texts, arguments);
	f->ctx->host->emit(f->ctx, "user_moving", fleet_text(f, "user"), 0, fleet_text(f, "to"));
	order_give(f, f->ctx->name, "run", arguments, on_run);
}

/* ---- BAKING, JUDGING ------------------------------------------------------------------------------------------- */

static bool is_canary(const struct fleet *f)
{
	return strcmp(fleet_text(f, "canary"), fleet_text(f, "user")) == 0;
}

static void convict(struct fleet *f, const char *what)
{
	char why[WHY_SIZE];

	snprintf(why, sizeof why, "BAKING: %.300s", what);
	fleet_text_set(f, "why", why);
	fleet_state_set(f, UNDOING, fleet_text(f, "user"));
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
		fleet_state_set(f, JUDGING, fleet_text(f, "user"));
}

/* Of what was seen before this monitor nothing is known: the time begins anew. */
static void baking(struct fleet *f)
{
	if (strcmp(f->evidence.user, fleet_text(f, "user")) != 0) {
		f->ctx->host->emit(f->ctx, "user_moving", fleet_text(f, "user"), 0, "it is watched again");
		evidence_begin(&f->evidence, fleet_text(f, "user"));
		evidence_moved(&f->evidence, f->ctx->host->wall_us(f->ctx));
	}
	fleet_timer_set(f, (uint64_t)f->ctx->host->opt_int(f->ctx, is_canary(f) ? "bake" : "settle"), on_baked);
}

static void on_judged(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);
	char drops[80];

	if (f == NULL)
		return;
	if (a->error == 0) {
		snprintf(drops, sizeof drops, "%u drops since, %u by the server", f->evidence.drops,
		         f->evidence.server_drops);
		members_set(fleet_users(f), fleet_text(f, "user"), "done", drops);
		f->ctx->host->emit(f->ctx, "user_moved", fleet_text(f, "user"), 0, drops);
		fleet_state_set(f, SURVEYING, "");
	} else if (order_begins(order_reason(f, a), "it does not pair") || !order_is_tried_again(f, a)) {
		convict(f, order_reason(f, a));
	}
}

static void judging(struct fleet *f)
{
	order_give(f, f->ctx->name, "verify", NULL, on_judged);
}

/* ---- UNDOING, FREEZING --------------------------------------------------------------------------------------------
 */

static void on_undone(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);

	if (f == NULL)
		return;
	if (a->error != 0) { /* until it is done: half of it is no state to leave a user in */
		fleet_again_later(f, a->error == -EHOSTDOWN ? PAUSE_US
		                                            : (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"));
		return;
	}
	f->moved_back(f->arg, fleet_text(f, "user"));
	failure_freeze(f, "rolled_back", fleet_text(f, "why"));
}

static void undoing(struct fleet *f)
{
	char why[WHY_SIZE + 8];
	const char *arguments[] = {why, "bad", NULL};

	snprintf(why, sizeof why, "why=%s", fleet_text(f, "why"));
	order_give(f, f->ctx->name, "rollback", arguments, on_undone);
}

static void on_frozen(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);

	if (f == NULL || (a->error != 0 && order_is_tried_again(f, a)))
		return;
	fleet_state_set(f, SETTLING, "");
}

static void freezing(struct fleet *f)
{
	char why[WHY_SIZE + 8];
	const char *arguments[] = {why, "unless-frozen", NULL};

	snprintf(why, sizeof why, "why=%s", fleet_text(f, "outcome"));
	order_give(f, f->ctx->name, "freeze", arguments, on_frozen);
}

/* ---- WAITING, RELEASING, SETTLING ---------------------------------------------------------------------------------
 */

static void on_waited(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;

	(void)ctx;
	f->timer = NULL;
	fleet_state_set(f, SURVEYING, "");
}

static void waiting(struct fleet *f)
{
	fleet_timer_set(f, (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"), on_waited);
}

static void on_released(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);

	if (f == NULL || (a->error != 0 && order_is_tried_again(f, a)))
		return;
	if (a->error != 0)
		f->ctx->host->log(f->ctx, T3OPS_WARNING, "backups_kept", "backups stay pinned: %.300s", a->text);
	fleet_state_set(f, SETTLING, "");
}

static void releasing(struct fleet *f)
{
	order_give(f, f->ctx->host->opt_string(f->ctx, "backup"), "release", NULL, on_released);
}

static void on_settled(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);

	if (f == NULL || (a->error != 0 && order_is_tried_again(f, a)))
		return;
	f->ctx->host->emit(f->ctx,
	                   order_begins(fleet_text(f, "outcome"), "done") ? "rollout_done" : "rollout_stopped", NULL,
	                   0, fleet_text(f, "outcome"));
	fleet_state_set(f, IDLE, "");
}

static void settling(struct fleet *f)
{
	const char *arguments[] = {"settle", NULL};

	order_give(f, f->ctx->name, "survey", arguments, on_settled);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------
 */

static void state_begin(struct fleet *f)
{
	static void (*const begin[STATES])(struct fleet *) = {
	    [SURVEYING] = fleet_survey, [PROVING] = proving,   [PINNING] = pinning,  [MOVING] = moving,
	    [BAKING] = baking,          [JUDGING] = judging,   [UNDOING] = undoing,  [WAITING] = waiting,
	    [RELEASING] = releasing,    [FREEZING] = freezing, [SETTLING] = settling};

	if (fleet_save(f) < 0)
		fleet_again_later(f, PAUSE_US);
	else if (begin[f->state] != NULL)
		begin[f->state](f);
}

void fleet_event(struct fleet *f, const struct t3ops_event *e)
{
	automatic_event(f, e);
	if (f->state != MOVING && f->state != BAKING && f->state != JUDGING)
		return;
	evidence_event(&f->evidence, e);
	if (f->state == BAKING && f->evidence.convicted[0] != '\0')
		convict(f, f->evidence.convicted);
}

int fleet_act(struct fleet *f, const char *action)
{
	return fleet_ask(f, action);
}

/* ---- life
 * ----------------------------------------------------------------------------------------------------------- */

/* The monitor before this one may have gone on until now. */
static void on_start(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;

	(void)ctx;
	f->timer = NULL;
	json_decref(f->all);
	fleet_load(f);
	fleet_show(f);
	state_begin(f);
}

struct fleet *fleet_new(struct t3ops_ctx *ctx, void (*moved_back)(void *arg, const char *user), void *arg)
{
	struct fleet *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	*f = (struct fleet){.ctx = ctx, .moved_back = moved_back, .arg = arg, .begin = state_begin};
	f->evidence = (struct evidence){.leg = ctx->host->opt_string(ctx, "leg"),
	                                .segment = ctx->host->opt_string(ctx, "segment"),
	                                .drops_max = ctx->host->opt_int(ctx, "drops")};
	f->ready = json_object();
	fleet_load(f);
	fleet_show(f);
	if (f->state != IDLE)
		fleet_timer_set(f, PAUSE_US, on_start);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	json_decref(f->ready);
	json_decref(f->all);
	free(f);
}
