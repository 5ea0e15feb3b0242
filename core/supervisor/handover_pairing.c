/* SPDX-License-Identifier: MIT */
/* Senders and receivers of tunnels; see handover_pairing.h. */
#include "supervisor/handover_pairing.h"

#include <string.h>
#include <unistd.h>

/* The two proxies settle the rest between them: the old one's tunnels go over this socket. */
static void handover_start(struct child *from, struct child *to)
{
	int fds[2], r = channel_pair(fds);

	if (r < 0) {
		log_write(LOG_L_WARNING, "handover_failed", kv_errno(r),
		          kv_effect("the old proxy stays until its tunnels end"));
		return;
	}
	channel_send_fds(to->channel, MSG_TAKE, to->serial, 0, NULL, 0, &fds[0], 1);
	channel_send_fds(from->channel, MSG_GIVE, from->serial, to->serial, NULL, 0, &fds[1], 1);
	from->successor = to->serial;
	close(fds[0]);
	close(fds[1]);
}

/* A worker whose slot is gone leaves its tunnels to the first one. */
static struct child *successor_find(const struct process_table *t, const struct child *old)
{
	struct child *own = t->current[old->slot], *successor = own ? own : t->current[PROCESS_PROXY];

	return successor && successor->state == PROCESS_READY ? successor : NULL;
}

void handovers_pair(const struct process_table *t)
{
	struct child *c;

	PROCESS_TABLE_FOREACH (c, t) {
		struct child *to;

		if (c->process != PROCESS_PROXY || c->state != PROCESS_DRAINING)
			continue;
		to = successor_find(t, c);
		if (to && to->serial != c->successor)
			handover_start(c, to);
	}
}
