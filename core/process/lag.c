/* SPDX-License-Identifier: MIT */
/* Looks at the clock; see lag.h. */
#include "process/lag.h"

static void look(struct lag *l, uint64_t now_us, uint64_t after_us)
{
	l->looked_us = now_us;
	l->after_us = after_us;
}

static void turns_begin(struct lag *l, uint64_t now_us)
{
	l->since_us = now_us;
	l->turns = 0;
}

void lag_init(struct lag *l, uint64_t now_us)
{
	look(l, now_us, LAG_BUSY_US);
	turns_begin(l, now_us);
}

uint64_t lag_due_us(const struct lag *l)
{
	return l->looked_us + l->after_us;
}

bool lag_is_busy(const struct lag *l)
{
	return l->after_us == LAG_BUSY_US;
}

bool lag_is_asleep(const struct lag *l)
{
	return l->after_us == LAG_ASLEEP_US;
}

/* Or is about to be, and only has memory to give back first. */
static bool falls_asleep(const struct lag *l)
{
	return l->after_us == LAG_TRIM_US || lag_is_asleep(l);
}

bool lag_is_at_rest(const struct lag *l)
{
	return l->after_us == LAG_REST_US || l->after_us == LAG_QUIET_US;
}

static uint64_t rest_us(enum awaited awaited)
{
	return awaited == AWAITED_ANSWER ? LAG_REST_US : LAG_QUIET_US;
}

/* In how many turns much happens. */
static unsigned many(const struct lag *l)
{
	if (lag_is_busy(l))
		return 1;
	return l->after_us == LAG_QUIET_US ? LAG_QUIET_TURNS : LAG_TURNS;
}

uint64_t lag_tick(struct lag *l, uint64_t now_us, enum awaited awaited, bool trims)
{
	uint64_t due_us = lag_due_us(l), after_us;

	if (l->turns >= many(l))
		after_us = LAG_BUSY_US;
	else if (awaited != AWAITED_NOTHING)
		after_us = rest_us(awaited);
	else
		after_us = trims ? LAG_TRIM_US : LAG_ASLEEP_US;
	look(l, now_us, after_us);
	turns_begin(l, now_us);
	return now_us > due_us ? now_us - due_us : 0;
}

static void turn_count(struct lag *l, uint64_t now_us)
{
	if (lag_is_at_rest(l) && now_us >= l->since_us + LAG_REST_US)
		turns_begin(l, now_us);
	l->turns++;
}

/* The tick is put off while nobody owes an answer, and brought forward when somebody begins to.  How long the turn
 * itself takes counts as standing still, so the look was at its begin. */
static bool rest_turn(struct lag *l, uint64_t woken_us, enum awaited awaited)
{
	uint64_t due_us = lag_due_us(l);
	bool much = l->turns >= LAG_QUIET_TURNS;

	if (awaited == AWAITED_NOTHING || (awaited == AWAITED_ANSWER && l->after_us == LAG_REST_US))
		return false;
	look(l, woken_us > l->looked_us ? woken_us : l->looked_us, much ? LAG_BUSY_US : rest_us(awaited));
	if (much)
		turns_begin(l, l->looked_us);
	return lag_due_us(l) != due_us;
}

bool lag_turn(struct lag *l, uint64_t woken_us, uint64_t now_us, bool routine, enum awaited awaited)
{
	if (!routine)
		turn_count(l, now_us);
	if (lag_is_at_rest(l))
		return rest_turn(l, woken_us, awaited);
	if (routine || !falls_asleep(l))
		return false;
	look(l, now_us, LAG_FIRST_US);
	return true;
}

void lag_sleep_on(struct lag *l, uint64_t now_us)
{
	look(l, now_us, LAG_ASLEEP_US);
	turns_begin(l, now_us);
}
