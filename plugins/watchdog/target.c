/* SPDX-License-Identifier: MIT */
/* The states of a server; see target.h. */
#include "watchdog/target.h"

#include <stdlib.h>
#include <string.h>

const char *target_state_name(enum target_state state)
{
	static const char *const names[] = {"well", "suspect", "saving", "restarting", "settling", "exhausted"};

	return names[state];
}

static void state_set(struct target *t, enum target_state state, uint64_t now_us)
{
	t->state = state;
	t->since_us = now_us;
}

static bool is_convicted(const struct target *t)
{
	return t->verdict != 0 && t->leg_since_us != 0 && !t->leg_is_up;
}

void target_leg(struct target *t, bool up, uint64_t now_us)
{
	if (t->leg_since_us != 0 && t->leg_is_up == up)
		return;
	if (t->leg_is_up && !up)
		t->was_up_us = now_us - t->leg_since_us;
	t->leg_is_up = up;
	t->leg_since_us = now_us;
}

void target_verdict(struct target *t, uint64_t id)
{
	t->verdict = id;
}

void target_ended(struct target *t, uint64_t now_us)
{
	if (t->state == TARGET_RESTARTING)
		state_set(t, TARGET_SETTLING, now_us);
	else if (t->state == TARGET_SAVING)
		t->since_us = 0; /* its time is over */
}

void target_refused(struct target *t, uint64_t now_us)
{
	if (t->state != TARGET_RESTARTING)
		return;
	state_set(t, TARGET_SUSPECT, now_us);
	t->n_restarts--; /* it was noted as it was ordered */
}

bool target_is_in_hand(const struct target *t)
{
	return t->state == TARGET_SAVING || t->state == TARGET_RESTARTING || t->state == TARGET_SETTLING;
}

/* ---- how often ------------------------------------------------------------------------------------------ */

static void restarts_forget(struct target *t, uint64_t window_us, uint64_t now_us)
{
	size_t old = 0;

	while (old < t->n_restarts && now_us - t->restarts_us[old] >= window_us)
		old++;
	if (old > 0)
		memmove(t->restarts_us, t->restarts_us + old, (t->n_restarts - old) * sizeof *t->restarts_us);
	t->n_restarts -= old;
}

/* False without memory: then it is not restarted. */
static bool restart_note(struct target *t, uint64_t now_us)
{
	uint64_t *more = realloc(t->restarts_us, (t->n_restarts + 1) * sizeof *more);

	if (more == NULL)
		return false;
	t->restarts_us = more;
	more[t->n_restarts++] = now_us;
	return true;
}

void target_restarted(struct target *t, uint64_t at_us)
{
	restart_note(t, at_us);
}

/* ---- steps ---------------------------------------------------------------------------------------------- */

/* It is not one that is only starting: that has its own time. */
static bool had_its_grace(const struct target *t, const struct target_rules *rules, uint64_t now_us)
{
	return t->was_up_us >= rules->grace_us || now_us - t->leg_since_us >= rules->grace_us;
}

static bool is_over(uint64_t since_us, uint64_t limit_us, uint64_t now_us)
{
	return now_us - since_us >= limit_us;
}

static enum target_order restart(struct target *t, uint64_t now_us)
{
	if (!restart_note(t, now_us))
		return TARGET_WAITS;
	state_set(t, TARGET_RESTARTING, now_us);
	return TARGET_RESTART;
}

static enum target_order suspect_step(struct target *t, const struct target_rules *rules, uint64_t strained_us,
                                      bool may_begin, uint64_t now_us)
{
	uint64_t since_us = t->since_us > strained_us ? t->since_us : strained_us;

	if (!is_over(since_us, rules->patience_us, now_us) || !had_its_grace(t, rules, now_us) || !may_begin)
		return TARGET_WAITS;
	if ((int64_t)t->n_restarts >= rules->max_restarts) {
		state_set(t, TARGET_EXHAUSTED, now_us);
		return TARGET_GIVES_UP;
	}
	if (rules->backup_limit_us == 0)
		return restart(t, now_us);
	state_set(t, TARGET_SAVING, now_us);
	return TARGET_BACK_UP;
}

enum target_order target_step(struct target *t, const struct target_rules *rules, uint64_t strained_us,
                              bool may_begin, uint64_t now_us)
{
	restarts_forget(t, rules->window_us, now_us);
	if (!is_convicted(t) && t->state != TARGET_RESTARTING && t->state != TARGET_WELL)
		state_set(t, TARGET_WELL, now_us);
	switch (t->state) {
	case TARGET_WELL:
		if (is_convicted(t))
			state_set(t, TARGET_SUSPECT, now_us);
		return TARGET_WAITS;
	case TARGET_SUSPECT:
		return suspect_step(t, rules, strained_us, may_begin, now_us);
	case TARGET_SAVING:
		return is_over(t->since_us, rules->backup_limit_us, now_us) ? restart(t, now_us) : TARGET_WAITS;
	case TARGET_SETTLING:
		if (is_over(t->since_us, rules->patience_us, now_us))
			state_set(t, TARGET_SUSPECT, now_us);
		return TARGET_WAITS;
	case TARGET_EXHAUSTED:
		if ((int64_t)t->n_restarts < rules->max_restarts)
			state_set(t, TARGET_SUSPECT, now_us);
		return TARGET_WAITS;
	case TARGET_RESTARTING:
		if (is_over(t->since_us, rules->restart_limit_us, now_us))
			state_set(t, TARGET_SETTLING, now_us);
		return TARGET_WAITS;
	}
	return TARGET_WAITS;
}

void target_fini(struct target *t)
{
	free(t->restarts_us);
	t->restarts_us = NULL;
	t->n_restarts = 0;
}
