/* SPDX-License-Identifier: MIT */
/* Healing the requests of open pages; see heal.h. */
#include "session_check/heal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cookies.h"
#include "common/navigation.h"

#define SESSION_COOKIE   "t3_session" /* how its name begins, whatever the t3 server calls it now */
#define PAUSE_FIRST_US   UINT64_C(2000000)
#define PAUSE_MAX_US     UINT64_C(60000000)
#define BROWSER_FIRST_US UINT64_C(60000000) /* each try leaves a session in the t3 server's database */
#define BROWSER_MAX_US   UINT64_C(960000000)

struct pending_heal {
	struct t3ops_ctx *ctx;
	t3ops_request_id request;
	uint64_t cookie_key;
	char user[T3OPS_USER_NAME_SIZE];
};

/* FNV-1a */
#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static uint64_t hash_more(uint64_t hash, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash * 31;
}

static uint64_t hash_cookies(uint64_t hash, const char *cookies, const char *name, bool prefix)
{
	const char *pair;
	size_t len;

	while ((pair = cookies_next(&cookies, name, prefix, &len)))
		hash = hash_more(hash, pair, len);
	return hash;
}

uint64_t heal_cookie_key(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *cookies)
{
	struct session_check *s = ctx->state;
	uint64_t hash = hash_more(HASH_BEGIN, user->name, strlen(user->name));

	hash = hash_cookies(hash, cookies, s->pairing->cookie_name(s->pairing->provider, user), false);
	return hash_cookies(hash, cookies, SESSION_COOKIE, true);
}

bool heal_has_session_cookie(struct t3ops_ctx *ctx, const char *cookies, const struct t3ops_user *user)
{
	struct session_check *s = ctx->state;

	return cookies && (cookies_have(cookies, s->pairing->cookie_name(s->pairing->provider, user), false) ||
	                   cookies_have(cookies, SESSION_COOKIE, true));
}

/* ---- what cannot be healed ------------------------------------------------------------------------------- */

static struct heal_pause *pause_of(struct heal_pause *rows, uint64_t key)
{
	return &rows[key % PAUSE_ROWS];
}

static bool pause_holds(const struct heal_pause *p, uint64_t key, uint64_t now_us)
{
	return p->key == key && p->failures > 0 && now_us < p->until_us;
}

/* Twice as long each time, up to most_us. */
static void pause_begin(struct heal_pause *p, uint64_t key, uint64_t now_us, uint64_t first_us, uint64_t most_us)
{
	uint64_t pause_us = first_us;

	if (p->key != key)
		*p = (struct heal_pause){.key = key};
	for (unsigned i = 0; i < p->failures && pause_us < most_us; i++)
		pause_us *= 2;
	p->failures++;
	p->until_us = now_us + (pause_us < most_us ? pause_us : most_us);
}

static uint64_t browser_key(const char *user, const struct t3ops_browser *browser)
{
	uint64_t hash = hash_more(HASH_BEGIN, user, strlen(user));

	hash = hash_more(hash, browser->address, strlen(browser->address));
	return hash_more(hash, browser->user_agent, strlen(browser->user_agent));
}

/* Its sessions die as soon as they are made: it rests, unless it does so already.  What was long ago is over. */
static void browser_pause(struct session_check *s, uint64_t key, uint64_t now_us)
{
	struct heal_pause *p = pause_of(s->browsers, key);

	if (pause_holds(p, key, now_us))
		return;
	if (p->key == key && now_us > p->until_us + BROWSER_MAX_US)
		p->failures = 0;
	pause_begin(p, key, now_us, BROWSER_FIRST_US, BROWSER_MAX_US);
}

bool heal_is_paused(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct session_check *s = ctx->state;
	struct t3ops_user user = {.struct_size = sizeof user};
	const char *cookies = ctx->host->request_header(ctx, r, "Cookie");
	uint64_t key;

	if (!cookies || !ctx->host->request_user(ctx, r, &user) || request_is_navigation(ctx, r) ||
	    request_has_credential(ctx, r))
		return false;
	key = heal_cookie_key(ctx, &user, cookies);
	return pause_holds(pause_of(s->pauses, key), key, ctx->host->now_us(ctx));
}

enum t3ops_next heal_refuse(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	static const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 503,
	    .title = "Your session has ended",
	    .text =
	        "The session of this page has ended, and t3ops could not replace it a moment ago. It tries again.",
	    .retry_s = 5,
	    .link_target = PAIRING_SCREEN,
	    .link_text = PAIRING_LINK};

	ctx->host->request_explain(ctx, r, &page);
	return T3OPS_DONE;
}

static void heal_fail(struct pending_heal *h)
{
	struct session_check *s = h->ctx->state;

	pause_begin(pause_of(s->pauses, h->cookie_key), h->cookie_key, h->ctx->host->now_us(h->ctx), PAUSE_FIRST_US,
	            PAUSE_MAX_US);
	heal_refuse(h->ctx, h->request);
	free(h);
}

/* ---- what can ---------------------------------------------------------------------------------------------- */

static void on_paired(void *arg, const struct t3ops_paired *paired)
{
	struct pending_heal *h = arg;
	struct session_check *s = h->ctx->state;

	if (!s) { /* stopped meanwhile */
		free(h);
	} else if (paired->result == T3OPS_PAIR_OK) {
		pause_of(s->pauses, h->cookie_key)->failures = 0;
		h->ctx->host->count(h->ctx, METRIC_HEALED, NULL, 1);
		request_resume_with_session(h->ctx, h->request, paired->cookie_name, paired->set_cookie);
		free(h);
	} else if (paired->result == T3OPS_PAIR_HELD) { /* no reason to rest */
		heal_refuse(h->ctx, h->request);
		free(h);
	} else {
		heal_fail(h);
	}
}

/* The session is dead: another one, unless it was made a moment ago, or that of this browser rests. */
static void heal(struct pending_heal *h, bool fresh)
{
	struct session_check *s = h->ctx->state;
	const struct t3ops_host *host = h->ctx->host;
	struct t3ops_user user = {.struct_size = sizeof user};
	struct t3ops_browser browser = {.struct_size = sizeof browser};
	uint64_t now_us = host->now_us(h->ctx), key;

	if (!host->request_user(h->ctx, h->request, &user)) {
		free(h); /* the browser has left */
		return;
	}
	host->request_browser(h->ctx, h->request, &browser);
	key = browser_key(user.name, &browser);
	if (fresh) {
		browser_pause(s, key, now_us);
		host->emit(h->ctx, "session_expired", h->user, 401,
		           "the t3 server does not accept a fresh session either");
		heal_fail(h);
	} else if (pause_holds(pause_of(s->browsers, key), key, now_us)) {
		heal_fail(h);
	} else {
		host->emit(h->ctx, "session_expired", h->user, 401, "the session of an open page has died");
		s->pairing->pair(s->pairing->provider, &user, &browser, on_paired, h);
	}
}

/* Newer t3 servers rename the cookie with their answer. */
static void alive(struct pending_heal *h, const struct t3ops_session_state *state)
{
	if (state->set_cookie[0] != '\0')
		request_resume_with_session(h->ctx, h->request, state->cookie_name, state->set_cookie);
	else
		h->ctx->host->request_resume(h->ctx, h->request); /* its 401 means something else */
	free(h);
}

void heal_count_check(struct t3ops_ctx *ctx, uint32_t session, uint64_t n)
{
	static const char *const results[] = {"unknown", "alive", "dead"};

	ctx->host->count(ctx, METRIC_CHECKS, (const char *[]){results[session]}, n);
}

static void on_checked(void *arg, const struct t3ops_session_state *state)
{
	struct pending_heal *h = arg;

	if (!h->ctx->state) { /* stopped meanwhile */
		free(h);
		return;
	}
	heal_count_check(h->ctx, state->session, 1);
	if (state->session == T3OPS_SESSION_DEAD)
		heal(h, state->fresh);
	else
		alive(h, state);
}

enum t3ops_next heal_begin(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct session_check *s = ctx->state;
	struct t3ops_user user = {.struct_size = sizeof user};
	const char *cookies = ctx->host->request_header(ctx, r, "Cookie");
	struct pending_heal *h;

	if (!ctx->host->request_user(ctx, r, &user) || request_has_credential(ctx, r) || request_is_foreign(ctx, r) ||
	    !heal_has_session_cookie(ctx, cookies, &user))
		return T3OPS_NEXT;
	h = calloc(1, sizeof *h);
	if (!h)
		return T3OPS_NEXT;
	*h = (struct pending_heal){.ctx = ctx, .request = r, .cookie_key = heal_cookie_key(ctx, &user, cookies)};
	snprintf(h->user, sizeof h->user, "%s", user.name);
	s->pairing->check(s->pairing->provider, &user, cookies, on_checked, h);
	return T3OPS_WAIT;
}
