/* SPDX-License-Identifier: MIT */
/* EventSources; see site_live.h. */
#include "monitor/site_live.h"

#include <string.h>

#define IDLE_US UINT64_C(15000000)

static void send_text(struct local_conn *c, const char *text)
{
	local_send(c, text, strlen(text));
}

bool site_live_add(struct site_live *l, struct local_conn *c)
{
	for (size_t i = 0; i < SITE_LIVE_MAX; i++) {
		if (l->conns[i] != NULL)
			continue;
		l->conns[i] = c;
		local_hold(c, true);
		send_text(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
		             "X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n"
		             "retry: 3000\n: hello\n\n");
		return true;
	}
	return false;
}

void site_live_forget(struct site_live *l, const struct local_conn *c)
{
	for (size_t i = 0; i < SITE_LIVE_MAX; i++)
		if (l->conns[i] == c)
			l->conns[i] = NULL;
}

void site_live_event(struct site_live *l, const struct event *e)
{
	switch (e->kind) {
	case EVENT_COMMAND_DONE:
	case EVENT_NOTE:
		break;
	default:
		l->news = l->news || event_kind_journalled(e->kind);
	}
}

bool site_live_any(const struct site_live *l)
{
	for (size_t i = 0; i < SITE_LIVE_MAX; i++)
		if (l->conns[i] != NULL)
			return true;
	return false;
}

void site_live_look(struct site_live *l, uint64_t now_us)
{
	bool idle = now_us > l->looked_us + IDLE_US;

	if (!l->news && !idle)
		return;
	for (size_t i = 0; i < SITE_LIVE_MAX; i++)
		if (l->conns[i] != NULL)
			send_text(l->conns[i], l->news ? "data: news\n\n" : ": idle\n\n");
	l->news = false;
	l->looked_us = now_us;
}
