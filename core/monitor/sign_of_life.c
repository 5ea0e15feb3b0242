/* SPDX-License-Identifier: MIT */
/* What a tunnel that works means to legs that are down; see sign_of_life.h. */
#include "monitor/sign_of_life.h"

#include <string.h>

#include "ipc/message.h"

#define PAUSE_US UINT64_C(100000)

static bool is_sign(const struct event *e)
{
	return (e->kind == EVENT_TUNNEL_OPEN || e->kind == EVENT_TUNNEL_ALIVE) && e->user[0] != '\0';
}

static bool is_waited_for(const struct monitor *d, const char *user)
{
	const struct probe_table *legs = diagnosis_legs(d->diagnosis);

	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];
		bool fails = leg->state == LEG_IS_DOWN || leg->fresh.state == ASPECT_FAILS;

		if (fails && (leg->user[0] == '\0' || strcmp(leg->user, user) == 0))
			return true;
	}
	return false;
}

void sign_of_life_event(struct monitor *d, const struct event *e, uint64_t now_us)
{
	struct msg_leg_retry retry = {.user = ""};

	if (!is_sign(e) || now_us < d->life_told_us + PAUSE_US || !is_waited_for(d, e->user))
		return;
	d->life_told_us = now_us;
	event_set(retry.user, e->user);
	channel_send(d->process->channel, MSG_LEG_RETRY, PROCESS_PROBER, 0, &retry, sizeof retry);
}
