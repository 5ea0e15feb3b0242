/* SPDX-License-Identifier: MIT */
/* See fleet_state.h. */
#include "fleet_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "members.h"
#include "outcomes.h"
#include "text_json.h"

#define FILE_NAME "rollout"
#define STATE_MAX (1 << 20)

static const char *const state_names[] = {"IDLE",    "SURVEYING", "PROVING", "PINNING",   "MOVING",   "BAKING",
                                          "JUDGING", "UNDOING",   "WAITING", "RELEASING", "FREEZING", "SETTLING"};

const char *fleet_state_name(enum fleet_state state)
{
	return state_names[state];
}

const char *fleet_text(const struct fleet *f, const char *key)
{
	const char *value = json_string_value(json_object_get(f->all, key));

	return value != NULL ? value : "";
}

void fleet_text_set(struct fleet *f, const char *key, const char *value)
{
	json_object_set_new(f->all, key, text_json(value));
}

json_t *fleet_users(const struct fleet *f)
{
	return json_object_get(f->all, "users");
}

uint64_t fleet_now_s(const struct fleet *f)
{
	return f->ctx->host->wall_us(f->ctx) / 1000000;
}

int fleet_save(struct fleet *f)
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

void fleet_show(struct fleet *f)
{
	static const char *const shown[] = {"waiting", "done",        "same",     "frozen", "absent",
	                                    "left",    "rolled_back", "rejected", "failed"};

	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		f->ctx->host->gauge(f->ctx, METRIC_USERS, (const char *[]){shown[i]},
		                    f->state == IDLE && strcmp(shown[i], "waiting") == 0
		                        ? 0
		                        : (double)members_count(fleet_users(f), shown[i]));
	f->ctx->host->gauge(f->ctx, METRIC_ROLLOUT, NULL, f->state != IDLE);
}

void fleet_timer_set(struct fleet *f, uint64_t after_us, void (*cb)(struct t3ops_ctx *, void *))
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
	f->begin(f);
}

/* The only place that changes it.  Work begins when it is on disk. */
void fleet_state_set(struct fleet *f, enum fleet_state state, const char *user)
{
	f->state = state;
	f->attempts = 0;
	fleet_text_set(f, "state", state_names[state]);
	fleet_text_set(f, "user", user);
	json_object_set_new(f->all, "since", json_integer((json_int_t)fleet_now_s(f)));
	fleet_show(f);
	fleet_timer_set(f, 0, on_again);
}

void fleet_begin(struct fleet *f, json_t *arguments, const char *text)
{
	json_object_clear(f->ready); /* it is what is moved */
	json_decref(f->all);
	f->all = json_pack("{s:o, s:{}, s:I}", "arguments", arguments, "users", "began", (json_int_t)fleet_now_s(f));
	f->ctx->host->emit(f->ctx, "rollout_started", NULL, 0, text);
	fleet_state_set(f, SURVEYING, "");
}

/* The rollout ends so. */
void fleet_end(struct fleet *f, enum fleet_state state, const char *fmt, ...)
{
	char outcome[WHY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(outcome, sizeof outcome, fmt, ap);
	va_end(ap);
	fleet_text_set(f, "outcome", outcome);
	fleet_state_set(f, state, "");
}

void fleet_again_later(struct fleet *f, uint64_t after_us)
{
	fleet_timer_set(f, after_us, on_again);
}

static enum fleet_state state_parse(const char *name)
{
	enum fleet_state state = IDLE;

	while (state < STATES && strcmp(state_names[state], name) != 0)
		state++;
	return state;
}

/* What cannot be read is left where it is, and nothing is begun. */
void fleet_load(struct fleet *f)
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
