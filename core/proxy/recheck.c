/* SPDX-License-Identifier: MIT */
/* Tunnels whose session has died; see recheck.h. */
#include "proxy/recheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_host/plugin_host.h"
#include "users/users.h"
#include "proxy/exchange.h"
#include "proxy/proxy_state.h"
#include "proxy/tunnel.h"

#define TICK_S  1.
#define AT_ONCE 16 /* questions under way: an instance has better things to do */

struct pending_check {
	struct proxy *proxy;
	uint64_t tunnel;
};

/* Only a definite no counts: an instance that is down declares nobody dead. */
static void on_answer(void *arg, const struct t3ops_session_state *state)
{
	struct pending_check *q = arg;
	struct proxy *f = q->proxy;
	struct tunnel *t = state->session == T3OPS_SESSION_DEAD ? tunnel_find(f, q->tunnel) : NULL;

	f->recheck.under_way--;
	free(q);
	if (!t)
		return;
	series_add(f->metrics.tunnels_session_dead, 1);
	log_line(LOG_L_NOTICE, "tunnel_session_dead", "id=%llu user=%s effect=\"closed with 1008\"",
	         (unsigned long long)t->id, t->user);
	tunnel_refuse(t);
}

static void ask(struct proxy *f, struct tunnel *t, const struct user *user)
{
	const struct t3ops_pairing *p = f->recheck.pairing;
	struct pending_check *q = malloc(sizeof *q);
	struct t3ops_user seen;

	if (!q)
		return;
	*q = (struct pending_check){f, t->id};
	plugin_user(user, &seen);
	f->recheck.under_way++;
	plugin_enter(p->provider->instance, "check");
	p->check(p->provider, &seen, t->session, on_answer, q);
	plugin_leave(p->provider->instance);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct proxy *f = w->data;
	uint64_t now_us = clock_mono_us();
	struct tunnel *t, *next;

	(void)loop, (void)revents;
	if (f->draining)
		return; /* they are about to move */
	for (t = LIST_FIRST(&f->tunnels); t && f->recheck.under_way < AT_ONCE; t = next) {
		const struct user *user = users_find(f->users, t->user);

		next = LIST_NEXT(t, link); /* an answer may come at once */
		if (!t->session || !user || now_us - t->checked_us < f->conf.recheck_us)
			continue;
		t->checked_us = now_us;
		ask(f, t, user);
	}
}

int recheck_start(struct proxy *f)
{
	ev_timer_init(&f->recheck.tick, on_tick, TICK_S, TICK_S);
	f->recheck.tick.data = f;
	if (f->conf.recheck_us == 0)
		return 0;
	f->recheck.pairing = plugin_host_provided(f->plugins, T3OPS_SERVICE_PAIRING);
	if (!f->recheck.pairing) {
		log_line(LOG_L_ERROR, "start_failed",
		         "option=recheck_tunnels reason=\"no plugin provides pairing\" hint=\"add plugin "
		         "\\\"auto_pair\\\" {}\"");
		return -ENOENT;
	}
	ev_timer_start(f->loop, &f->recheck.tick);
	return 0;
}

void recheck_stop(struct proxy *f)
{
	ev_timer_stop(f->loop, &f->recheck.tick);
}

/* ---- what to ask with ------------------------------------------------------------------------------ */

char *recheck_session_adopt(const struct proxy *f, const char *bytes, size_t n)
{
	return f->conf.recheck_us > 0 && n > 0 && n <= RECHECK_SESSION_MAX ? strndup(bytes, n) : NULL;
}

char *recheck_session(const struct exchange *x)
{
	const struct http_field *cookie = http_field_find(&x->head, "cookie", 0);

	for (size_t i = 0; i < x->n_edits; i++)
		if (strcasecmp(x->edits[i].name, "cookie") == 0)
			return x->edits[i].value
			           ? recheck_session_adopt(x->proxy, x->edits[i].value, strlen(x->edits[i].value))
			           : NULL;
	return cookie ? recheck_session_adopt(x->proxy, cookie->value.at, cookie->value.len) : NULL;
}

void recheck_session_forget(char *session)
{
	if (session)
		explicit_bzero(session, strlen(session));
	free(session);
}
