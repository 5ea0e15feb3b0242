/* SPDX-License-Identifier: MIT */
/*
 * Stopping; see stop.h.  Every WebSocket gets a close frame without a code and, right behind it, a
 * raw HTTP answer on the upgraded socket.  What was measured is when the process was gone; that the
 * telemetry is waited for after the goodbye, not before it, is an assumption.
 */
#include "lab/t3/stop.h"

#include "lab/t3/conn.h"
#include "lab/t3/websocket.h"

static bool any(const struct server *s, enum conn_state state)
{
	for (const struct conn *c = s->conns; c; c = c->next)
		if (c->state == state)
			return true;
	return false;
}

static void goodbye_send(struct server *s)
{
	for (struct conn *c = s->conns, *next; c; c = next) {
		next = c->next;
		if (c->state == CONN_WEBSOCKET)
			websocket_goodbye(c);
	}
}

static void on_goodbye(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	goodbye_send(w->data);
}

static void on_end(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

void stop_init(struct server *s)
{
	ev_init(&s->goodbye, on_goodbye);
	ev_init(&s->end, on_end);
	s->goodbye.data = s->end.data = s;
}

static double grace_seconds(const struct server *s, long measured_ms)
{
	return s->switches.grace_ms >= 0 ? (double)s->switches.grace_ms / 1000 : server_seconds(s, measured_ms);
}

/* Seconds from the signal to the end of the process. */
static double stop_seconds(const struct server *s)
{
	const struct stop_times *t = &s->profile->stop;

	if (any(s, CONN_WEBSOCKET))
		return grace_seconds(s, t->websocket_ms) +
		       (s->switches.egress_drops ? server_seconds(s, t->telemetry_ms) : 0);
	if (any(s, CONN_HUNG))
		return grace_seconds(s, t->hung_ms);
	return server_seconds(s, t->quiet_ms);
}

static void timer_start(struct server *s, ev_timer *t, double seconds)
{
	ev_timer_set(t, seconds, 0);
	ev_timer_start(s->loop, t);
}

void stop_begin(struct server *s)
{
	const struct stop_times *t = &s->profile->stop;

	if (s->stopping)
		return;
	s->stopping = true;
	server_listeners_close(s);
	ev_now_update(s->loop);
	timer_start(s, &s->end, stop_seconds(s));
	if (!t->goodbye_last)
		goodbye_send(s);
	else if (any(s, CONN_WEBSOCKET))
		timer_start(s, &s->goodbye, grace_seconds(s, t->websocket_ms));
}

/* Only a version that waits for its WebSockets to end has anything to gain by their end. */
void stop_if_quiet(struct server *s)
{
	if (!s->stopping || !s->profile->stop.goodbye_last || s->switches.egress_drops)
		return;
	if (!any(s, CONN_WEBSOCKET) && !any(s, CONN_HUNG) &&
	    ev_timer_remaining(s->loop, &s->end) > server_seconds(s, s->profile->stop.quiet_ms)) {
		ev_timer_stop(s->loop, &s->end);
		timer_start(s, &s->end, server_seconds(s, s->profile->stop.quiet_ms));
	}
}
