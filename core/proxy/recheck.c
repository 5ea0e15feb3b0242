/* SPDX-License-Identifier: MIT */
/* Tunnels whose session has died; see recheck.h. */
#include "proxy/recheck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "proxy/worker.h"

#define TICK_S  1.
#define AT_ONCE 16 /* checks in progress: a t3 server has better things to do */

struct recheck_entry {
	TAILQ_ENTRY(recheck_entry) link;
	struct recheck *recheck;
	uint64_t id, checked_us;
	char user[T3OPS_USER_NAME_SIZE];
	char *session;
};

struct recheck {
	struct worker *worker;
	void (*on_dead)(struct worker *worker, uint64_t id);
	struct ev_timer tick;
	const struct t3ops_pairing *pairing;
	size_t pending;
	TAILQ_HEAD(, recheck_entry) entries; /* the one that was checked longest ago comes first */
};

/* The entry may be gone when the answer comes. */
struct pending_check {
	struct recheck *recheck;
	uint64_t id;
	char user[T3OPS_USER_NAME_SIZE];
	struct t3ops_browser browser;
};

static void check_end(struct pending_check *check)
{
	check->recheck->pending--;
	free(check);
}

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct pending_check *check = arg;
	struct recheck *r = check->recheck;
	uint64_t id = check->id;

	if (paired->result != T3OPS_PAIR_OK && paired->result != T3OPS_PAIR_HELD)
		log_write(LOG_L_WARNING, "tunnel_session_expired", kv_tunnel((int64_t)id), kv_user(check->user),
		          kv_error(paired->text), kv_effect("left open: no new session could be made"));
	check_end(check);
	if (paired->result == T3OPS_PAIR_OK)
		r->on_dead(r->worker, id);
}

/* The browser that reconnects is given the session that is made here. */
static void successor_make(struct pending_check *check, const struct user *user)
{
	const struct t3ops_pairing *p = check->recheck->pairing;
	struct t3ops_user seen;

	plugin_user(user, &seen);
	plugin_enter(p->provider->instance, "pair");
	p->pair(p->provider, &seen, &check->browser, on_paired, check);
	plugin_leave(p->provider->instance);
}

/* Only a definite no counts: a t3 server that is down declares nobody dead.  One that declares dead what was made
 * seconds ago would do so again. */
static void on_checked(void *arg, const struct t3ops_session_state *state)
{
	struct pending_check *check = arg;
	const struct user *user = users_find(check->recheck->worker->users, check->user);

	if (state->session == T3OPS_SESSION_DEAD && !state->fresh && user && !check->recheck->worker->draining)
		successor_make(check, user);
	else
		check_end(check);
}

/* "ADDRESS USER-AGENT", up to the end of the line. */
static void browser_read(const char *session, struct t3ops_browser *out)
{
	size_t address = strcspn(session, " \n"), agent = strcspn(session + address, "\n");

	*out = (struct t3ops_browser){.struct_size = sizeof *out};
	snprintf(out->address, sizeof out->address, "%.*s", (int)address, session);
	if (agent > 0)
		snprintf(out->user_agent, sizeof out->user_agent, "%.*s", (int)agent - 1, session + address + 1);
}

/* The answer may come at once, and the entry go with it. */
static void entry_check(struct recheck_entry *e, const struct user *user)
{
	struct recheck *r = e->recheck;
	const struct t3ops_pairing *p = r->pairing;
	struct pending_check *check = malloc(sizeof *check);
	const char *cookies = strchr(e->session, '\n') + 1;
	struct t3ops_user seen;

	if (!check)
		return;
	*check = (struct pending_check){.recheck = r, .id = e->id};
	event_set(check->user, e->user);
	browser_read(e->session, &check->browser);
	plugin_user(user, &seen);
	r->pending++;
	plugin_enter(p->provider->instance, "check");
	p->check(p->provider, &seen, cookies, on_checked, check);
	plugin_leave(p->provider->instance);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct recheck *r = w->data;
	uint64_t now_us = clock_mono_us();
	struct recheck_entry *e;

	(void)loop, (void)revents;
	if (r->worker->draining)
		return; /* they are about to move */
	while (r->pending < AT_ONCE && (e = TAILQ_FIRST(&r->entries)) &&
	       now_us - e->checked_us >= r->worker->conf.recheck_us) {
		const struct user *user = users_find(r->worker->users, e->user);

		e->checked_us = now_us;
		TAILQ_REMOVE(&r->entries, e, link);
		TAILQ_INSERT_TAIL(&r->entries, e, link);
		if (user)
			entry_check(e, user);
	}
}

/* ---- life -------------------------------------------------------------------------------------------- */

struct recheck *recheck_new(struct worker *worker, void (*on_dead)(struct worker *worker, uint64_t id))
{
	struct recheck *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->worker = worker;
	r->on_dead = on_dead;
	TAILQ_INIT(&r->entries);
	ev_timer_init(&r->tick, on_tick, TICK_S, TICK_S);
	r->tick.data = r;
	return r;
}

void recheck_free(struct recheck *r)
{
	free(r);
}

int recheck_start(struct recheck *r)
{
	if (r->worker->conf.recheck_us == 0)
		return 0;
	r->pairing = plugin_host_provided(r->worker->plugins, T3OPS_SERVICE_PAIRING);
	if (!r->pairing) {
		log_write(LOG_L_ERROR, "start_failed", kv_option("recheck_tunnels"),
		          kv_error("no plugin provides pairing"),
		          kv_hint("add a plugin that does, or remove the option"));
		return -ENOENT;
	}
	ev_timer_start(r->worker->loop, &r->tick);
	return 0;
}

void recheck_stop(struct recheck *r)
{
	ev_timer_stop(r->worker->loop, &r->tick);
}

/* ---- sessions ---------------------------------------------------------------------------------------- */

char *recheck_session_make(const struct recheck *r, const struct t3ops_browser *browser, const char *cookies,
                           size_t n)
{
	char *session;

	if (r->worker->conf.recheck_us == 0 || n == 0 || sizeof *browser + n > RECHECK_SESSION_MAX)
		return NULL;
	return asprintf(&session, "%s %s\n%.*s", browser->address, browser->user_agent, (int)n, cookies) < 0
	           ? NULL
	           : session;
}

char *recheck_session_copy(const struct recheck *r, const char *bytes, size_t n)
{
	return r->worker->conf.recheck_us > 0 && n <= RECHECK_SESSION_MAX && memchr(bytes, '\n', n)
	           ? strndup(bytes, n)
	           : NULL;
}

void recheck_session_free(char *session)
{
	if (session)
		explicit_bzero(session, strlen(session));
	free(session);
}

struct recheck_entry *recheck_add(struct recheck *r, uint64_t id, const char *user, char *session)
{
	struct recheck_entry *e = session ? calloc(1, sizeof *e) : NULL;

	if (!e) {
		recheck_session_free(session);
		return NULL;
	}
	e->recheck = r;
	e->id = id;
	e->checked_us = clock_mono_us();
	event_set(e->user, user);
	e->session = session;
	TAILQ_INSERT_TAIL(&r->entries, e, link);
	return e;
}

void recheck_remove(struct recheck_entry *e)
{
	if (!e)
		return;
	TAILQ_REMOVE(&e->recheck->entries, e, link);
	recheck_session_free(e->session);
	free(e);
}

const char *recheck_session(const struct recheck_entry *e)
{
	return e ? e->session : "";
}
