/* SPDX-License-Identifier: MIT */
/* What a rollout knows, and keeps on disk; for the files of fleet only. */
#ifndef T3OPS_PLUGINS_UPGRADE_FLEET_STATE_H
#define T3OPS_PLUGINS_UPGRADE_FLEET_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence.h"
#include "plugin.h"

#define PAUSE_US UINT64_C(3000000) /* before what could not be asked for is asked for again */
#define WHY_SIZE 400

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
struct fleet {
	struct t3ops_ctx *ctx;
	json_t *all; /* as on disk */
	enum fleet_state state;
	struct t3ops_timer *timer;
	uintptr_t order; /* number of the last one; answers to others are late */
	unsigned attempts;
	unsigned part, parts; /* of the users, that a survey asks about at a time; fleet_survey.h */
	json_t *ready;        /* automatic.h: {USER: version} */
	struct t3ops_timer *due;
	bool is_waiting_for_hours;
	struct evidence evidence;
	void (*moved_back)(void *arg, const char *user);
	void *arg;
	void (*begin)(struct fleet *f); /* the work of its state */
};

const char *fleet_state_name(enum fleet_state state);

const char *fleet_text(const struct fleet *f, const char *key); /* "" if there is none */
void fleet_text_set(struct fleet *f, const char *key, const char *value);
json_t *fleet_users(const struct fleet *f); /* members.h */
uint64_t fleet_now_s(const struct fleet *f);

/* 0, or -errno after a log line. */
int fleet_save(struct fleet *f);
void fleet_load(struct fleet *f);
void fleet_show(struct fleet *f);

void fleet_timer_set(struct fleet *f, uint64_t after_us, void (*cb)(struct t3ops_ctx *, void *));
/* The same state once more. */
void fleet_again_later(struct fleet *f, uint64_t after_us);
/* The only place that changes it; its work begins when it is on disk. */
void fleet_state_set(struct fleet *f, enum fleet_state state, const char *user);
/* A rollout with these arguments, which it takes over; text is for its event. */
void fleet_begin(struct fleet *f, json_t *arguments, const char *text);
/* The rollout ends so, by way of that state. */
void fleet_end(struct fleet *f, enum fleet_state state, const char *fmt, ...) T3OPS_PRINTF(3, 4);

#endif
