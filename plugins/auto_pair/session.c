/* SPDX-License-Identifier: MIT */
/* GET /api/auth/session; see session.h. */
#include "auto_pair/session.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cookies.h"

#define SESSION_PATH "/api/auth/session"

/* Who wants to know. */
struct asker {
	STAILQ_ENTRY(asker) link;
	t3ops_session_cb cb;
	void *arg;
};

/* One request, for all who ask about the same cookies meanwhile. */
struct session_query {
	LIST_ENTRY(session_query) link;
	struct user_state *user;
	char *cookies;
	STAILQ_HEAD(, asker) askers;
};

/* It is in no list. */
static void query_free(struct session_query *q)
{
	explicit_bzero(q->cookies, strlen(q->cookies));
	free(q->cookies);
	free(q);
}

static void answer(struct session_query *q, const struct t3ops_session_state *state)
{
	struct asker *a;

	LIST_REMOVE(q, link);
	while ((a = STAILQ_FIRST(&q->askers))) {
		STAILQ_REMOVE_HEAD(&q->askers, link);
		a->cb(a->arg, state);
		free(a);
	}
	query_free(q);
}

/* "2026-12-23T10:14:31.434Z"; 0 if it is none. */
static uint64_t time_read(const char *text)
{
	struct tm tm = {0};
	time_t at;

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	at = timegm(&tm);
	return at > 0 ? (uint64_t)at * 1000000 : 0;
}

/* Of the cookies that came with the answer the session's: newer t3 servers rename it that way. */
static const char *renewed_cookie(const struct user_state *u, const struct t3ops_fetched *f, int64_t wall_s)
{
	char name[COOKIE_NAME_SIZE];
	const char *value;

	for (size_t i = 0; (value = f->header(f, "set-cookie", i)); i++)
		if (set_cookie_is_live(value, wall_s) && set_cookie_name(value, name, sizeof name) &&
		    strcmp(name, u->cookie_name) == 0)
			return value;
	return "";
}

/* Only a definite answer counts: anything else may be a stall, a restart or an error. */
static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct session_query *q = arg;
	struct user_state *u = q->user;
	json_t *body = f->error == 0 && f->status == 200 ? json_loadb(f->body, f->body_len, 0, NULL) : NULL;
	const json_t *authenticated = json_object_get(body, "authenticated");
	struct t3ops_session_state state = {.struct_size = sizeof state, .set_cookie = ""};

	user_state_name_cookie(
	    u, json_string_value(json_object_get(json_object_get(body, "auth"), "sessionCookieName")));
	if (json_is_true(authenticated)) {
		state.session = T3OPS_SESSION_ALIVE;
		state.set_cookie = renewed_cookie(u, f, (int64_t)(ctx->host->wall_us(ctx) / 1000000));
		state.expires_us = time_read(json_string_value(json_object_get(body, "expiresAt")));
	} else if (json_is_false(authenticated)) {
		state.session = T3OPS_SESSION_DEAD;
		state.fresh = fresh_die(&u->fresh, q->cookies, ctx->host->now_us(ctx));
	}
	state.cookie_name = u->announced ? u->cookie_name : "";
	json_decref(body);
	answer(q, &state);
}

static struct session_query *query_new(struct sessions *s, struct user_state *u, const char *cookies)
{
	struct session_query *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	STAILQ_INIT(&q->askers);
	q->user = u;
	q->cookies = strdup(cookies);
	if (!q->cookies) {
		free(q);
		return NULL;
	}
	LIST_INSERT_HEAD(&s->queries, q, link);
	return q;
}

static void unknown(t3ops_session_cb cb, void *arg)
{
	cb(arg, &(struct t3ops_session_state){
	            .struct_size = sizeof(struct t3ops_session_state), .cookie_name = "", .set_cookie = ""});
}

static struct session_query *query_find(const struct sessions *s, const struct user_state *u, const char *cookies)
{
	struct session_query *q;

	LIST_FOREACH (q, &s->queries, link)
		if (q->user == u && strcmp(q->cookies, cookies) == 0)
			return q;
	return NULL;
}

static bool query_send(struct sessions *s, const struct t3ops_user *user, struct session_query *q)
{
	const struct t3ops_host *host = s->ctx->host;
	size_t size = strlen(q->cookies) + sizeof "cookie: ";
	char *header = malloc(size), url[128];
	const char *const headers[] = {header, NULL};
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = url,
	                           .user = user->name,
	                           .headers = headers,
	                           .timeout_us = (uint64_t)host->opt_int(s->ctx, "check_timeout")};

	if (!header)
		return false;
	user_state_url(q->user, SESSION_PATH, url, sizeof url);
	memcpy(header, "cookie: ", 8);
	memcpy(header + 8, q->cookies, size - 8);
	host->fetch(s->ctx, &what, on_fetched, q);
	explicit_bzero(header, size);
	free(header);
	return true;
}

void session_ask(struct sessions *s, const struct t3ops_user *user, const char *cookies, t3ops_session_cb cb,
                 void *arg)
{
	struct user_state *u = user_state_get(s->users, user);
	struct session_query *q = u ? query_find(s, u, cookies) : NULL;
	bool is_asked = q != NULL;
	struct asker *a = calloc(1, sizeof *a);

	if (u && a && !q)
		q = query_new(s, u, cookies);
	if (!q || !a || (!is_asked && !query_send(s, user, q))) {
		if (q && !is_asked) {
			LIST_REMOVE(q, link);
			query_free(q);
		}
		free(a);
		unknown(cb, arg);
		return;
	}
	*a = (struct asker){.cb = cb, .arg = arg};
	STAILQ_INSERT_TAIL(&q->askers, a, link);
}

void sessions_fini(struct sessions *s)
{
	while (LIST_FIRST(&s->queries))
		answer(LIST_FIRST(&s->queries),
		       &(struct t3ops_session_state){
		           .struct_size = sizeof(struct t3ops_session_state), .cookie_name = "", .set_cookie = ""});
}
