/* SPDX-License-Identifier: MIT */
/* Sessions of the probe; see session.h. */
#include "probe_t3serve/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A call of the pairing service, which cannot be cancelled. */
struct call {
	LIST_ENTRY(call) link;
	struct sessions *all;    /* NULL: the plugin has stopped */
	struct session *session; /* NULL: nobody cares any more */
};

struct session {
	LIST_ENTRY(session) link;
	struct sessions *all;
	char user[T3OPS_USER_NAME_SIZE];
	struct session_facts facts;
	uint64_t before_us; /* facts.paired_us and facts.pairings before the pairing in progress */
	unsigned before;
	struct call *call; /* in progress */
	bool waiting;      /* for its turn to be made */
	bool failing;      /* its file cannot be written; that was logged */
	session_cb cb;     /* who waits */
	void *arg;
};

/* ---- its file ------------------------------------------------------------------------------------------- */

static void save(struct session *s)
{
	struct t3ops_ctx *ctx = s->all->ctx;
	char text[SESSION_TEXT_SIZE];
	int r = session_text_write(&s->facts, text, sizeof text);

	r = r < 0 ? -EFBIG : ctx->host->secret_save(ctx, s->user, text);
	explicit_bzero(text, sizeof text);
	if (r < 0 && !s->failing)
		ctx->host->log(ctx, T3OPS_WARNING, "probe_session_unsaved",
		               "the probe's session of user %s cannot be stored: %s; a restart will make another one",
		               s->user, strerror(-r));
	s->failing = r < 0;
}

/* What is there of another t3 server is no use for this one, and none of its business. */
static void load(struct session *s, const char *address)
{
	struct t3ops_ctx *ctx = s->all->ctx;
	char text[SESSION_TEXT_SIZE];

	if (ctx->host->secret_load(ctx, s->user, text, sizeof text) < 0 || !session_text_read(&s->facts, text) ||
	    strcmp(s->facts.address, address) != 0)
		s->facts = (struct session_facts){0};
	explicit_bzero(text, sizeof text);
	snprintf(s->facts.address, sizeof s->facts.address, "%s", address);
}

static void pairings_add(const struct session *s, bool ok, uint64_t n)
{
	struct t3ops_ctx *ctx = s->all->ctx;

	ctx->host->count(ctx, METRIC_PAIRINGS, (const char *[]){s->user, ok ? "ok" : "failed"}, n);
}

static struct session *session_new(struct sessions *all, const char *user)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->all = all;
	snprintf(s->user, sizeof s->user, "%s", user);
	LIST_INSERT_HEAD(&all->list, s, link);
	pairings_add(s, true, 0); /* so that increase() sees the first step of each */
	pairings_add(s, false, 0);
	return s;
}

struct session *session_get(struct sessions *all, const struct t3ops_user *user)
{
	struct session *s;
	char address[64];

	snprintf(address, sizeof address, "%s:%u", user->host, user->port);
	LIST_FOREACH (s, &all->list, link)
		if (strcmp(s->user, user->name) == 0)
			break;
	if (!s)
		s = session_new(all, user->name);
	if (s && strcmp(s->facts.address, address) != 0) {
		if (s->call)
			s->call->session = NULL; /* the answer would be the other server's */
		s->call = NULL;
		load(s, address);
	}
	return s;
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

/* NULL without memory. */
static struct call *call_new(struct session *s)
{
	s->call = calloc(1, sizeof *s->call);
	if (!s->call)
		return NULL;
	s->call->all = s->all;
	s->call->session = s;
	LIST_INSERT_HEAD(&s->all->calls, s->call, link);
	return s->call;
}

/* The session that it was for; NULL: it is not waited for. */
static struct session *call_end(struct call *call)
{
	struct session *s = call->session;

	if (call->all) {
		LIST_REMOVE(call, link);
		call->all->mint = call->all->mint == call ? NULL : call->all->mint;
	}
	free(call);
	if (s)
		s->call = NULL;
	return s;
}

static void answer(struct session *s, enum t3ops_session state)
{
	session_cb cb = s->cb;

	s->cb = NULL;
	if (cb)
		cb(s->arg, state);
}

/* ---- is it alive? ---------------------------------------------------------------------------------------- */

/* Newer t3 servers rename the cookie with their answer. */
static void facts_update(struct session *s, const struct t3ops_session_state *state)
{
	bool renamed = state->set_cookie[0] != '\0' && cookie_take(state->set_cookie, s->facts.cookie);

	if (renamed || s->facts.expires_us != state->expires_us) {
		s->facts.expires_us = state->expires_us;
		save(s);
	}
}

static void on_checked(void *arg, const struct t3ops_session_state *state)
{
	struct session *s = call_end(arg);

	if (!s)
		return;
	if (state->session == T3OPS_SESSION_ALIVE)
		facts_update(s, state);
	else if (state->session == T3OPS_SESSION_DEAD)
		session_forget(s);
	answer(s, (enum t3ops_session)state->session);
}

static void check(struct session *s, const struct t3ops_user *user)
{
	const struct t3ops_pairing *p = s->all->pairing;
	struct call *call = call_new(s);

	if (call)
		p->check(p->provider, user, s->facts.cookie, on_checked, call);
	else
		answer(s, T3OPS_SESSION_UNKNOWN);
}

/* ---- making one -------------------------------------------------------------------------------------------- */

static void pairing_report(const struct session *s, const struct t3ops_paired *paired, bool ok)
{
	struct t3ops_ctx *ctx = s->all->ctx;

	pairings_add(s, ok, 1);
	if (!ok)
		ctx->host->log(ctx, T3OPS_WARNING, "probe_session_failed",
		               "the WebSocket of user %s is not probed, only HTTP: %s", s->user,
		               paired->text[0] ? paired->text : "the t3 server's cookie cannot be used");
}

static bool pair(struct session *s, const struct t3ops_user *user);

/* The next one that waits for its turn. */
static void turn_give(struct sessions *all)
{
	struct session *s;
	struct t3ops_user user = {.struct_size = sizeof user};

	LIST_FOREACH (s, &all->list, link) {
		if (!s->waiting)
			continue;
		s->waiting = false;
		if (!s->call && all->ctx->host->user_find(all->ctx, s->user, &user) && pair(s, &user))
			return;
	}
}

/* A session that works goes on until its successor is there. */
static void session_made(struct session *s, const struct t3ops_paired *paired)
{
	struct t3ops_user user = {.struct_size = sizeof user};
	bool ok;

	if (paired->result == T3OPS_PAIR_HELD) { /* nothing was made: as if it had not been asked for */
		s->facts.paired_us = s->before_us;
		s->facts.pairings = s->before;
		answer(s, T3OPS_SESSION_UNKNOWN);
		return;
	}
	ok = paired->result == T3OPS_PAIR_OK && cookie_take(paired->set_cookie, s->facts.cookie);
	if (ok) {
		s->facts.made_us = s->all->ctx->host->wall_us(s->all->ctx);
		s->facts.expires_us = 0; /* the check tells it */
	}
	save(s);
	pairing_report(s, paired, ok);
	if (ok && s->all->ctx->host->user_find(s->all->ctx, s->user, &user))
		check(s, &user);
	else
		answer(s, T3OPS_SESSION_UNKNOWN);
}

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct sessions *all = ((struct call *)arg)->all;
	struct session *s = call_end(arg);

	if (s)
		session_made(s, paired);
	if (all)
		turn_give(all);
}

/* False: it is too soon after the last one. */
static bool pair(struct session *s, const struct t3ops_user *user)
{
	struct t3ops_ctx *ctx = s->all->ctx;
	const struct t3ops_pairing *p = s->all->pairing;
	uint64_t pause_us = (uint64_t)ctx->host->opt_int(ctx, "pairing_pause"), now_us = ctx->host->wall_us(ctx);
	struct call *call;

	if (!pairing_is_due(&s->facts, pause_us, now_us))
		return false;
	if (s->all->mint) {
		s->waiting = true;
		return true;
	}
	call = call_new(s);
	if (!call)
		return false;
	s->all->mint = call;
	s->before_us = s->facts.paired_us;
	s->before = s->facts.pairings;
	pairing_count(&s->facts, pause_us, now_us);
	p->pair(p->provider, user, NULL, on_paired, call);
	return true;
}

/* ---- for the leg -------------------------------------------------------------------------------------------- */

void session_ask(struct session *s, const struct t3ops_user *user, session_cb cb, void *arg)
{
	s->cb = cb;
	s->arg = arg;
	if (s->call || s->waiting) /* its end answers */
		return;
	if (s->all->pairing && s->facts.cookie[0] != '\0')
		check(s, user);
	else if (!s->all->pairing || !pair(s, user))
		answer(s, T3OPS_SESSION_UNKNOWN);
}

void session_renew(struct session *s, const struct t3ops_user *user, session_cb cb, void *arg)
{
	if (s->call || s->waiting || !s->all->pairing ||
	    !session_is_old(&s->facts, s->all->ctx->host->wall_us(s->all->ctx)))
		return;
	s->cb = cb;
	s->arg = arg;
	if (!pair(s, user))
		s->cb = NULL;
}

void session_leave(struct session *s)
{
	s->cb = NULL;
}

void session_forget(struct session *s)
{
	explicit_bzero(s->facts.cookie, sizeof s->facts.cookie);
	s->facts.expires_us = 0;
	save(s);
}

const char *session_cookie(const struct session *s)
{
	return s->facts.cookie;
}

void sessions_fini(struct sessions *all)
{
	struct session *s;
	struct call *c;

	LIST_FOREACH (c, &all->calls, link) {
		c->all = NULL;
		c->session = NULL;
	}
	while ((s = LIST_FIRST(&all->list))) {
		LIST_REMOVE(s, link);
		explicit_bzero(&s->facts, sizeof s->facts);
		free(s);
	}
}
