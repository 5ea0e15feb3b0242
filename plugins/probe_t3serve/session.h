/* SPDX-License-Identifier: MIT */
/*
 * The probe's own sessions, one with each user's t3 server, made through the pairing service and kept across restarts
 * (host services secret_load and secret_save).
 *
 *   session_ask:  no cookie -> pair, if it is time -> check -> answer;  cookie -> check -> answer
 *   a cookie that the t3 server does not honour is forgotten; pairings keep a growing pause, and one is made at a
 * time: the machine, and the helper, belong to the users
 */
#ifndef T3OPS_PLUGINS_PROBE_T3SERVE_SESSION_H
#define T3OPS_PLUGINS_PROBE_T3SERVE_SESSION_H

#include <sys/queue.h>

#include "plugin.h"
#include "probe_t3serve/session_text.h"

/* Rows of the plugin's metric table. */
enum { METRIC_WEBSOCKET, METRIC_PAIRINGS };

struct session;
struct call;

/* What is known of the session now (enum t3ops_session): UNKNOWN: there is none, or nobody can tell. */
typedef void (*session_cb)(void *arg, enum t3ops_session state);

struct sessions {
	struct t3ops_ctx *ctx;
	const struct t3ops_pairing *pairing; /* NULL: nobody provides it, there are no sessions */
	LIST_HEAD(, session) list;
	LIST_HEAD(, call) calls; /* in progress */
	struct call *mint;       /* the one that makes a session; NULL: none does */
};

/* The user's, read from its file if it is new here; NULL without memory.  It lives until sessions_fini. */
struct session *session_get(struct sessions *all, const struct t3ops_user *user);
/* Asks whether it is alive; without one, makes one first.  cb comes once, perhaps before it returns, unless another
 * question or session_leave comes first. */
void session_ask(struct session *s, const struct t3ops_user *user, session_cb cb, void *arg);
/* Makes another one in place of one that ends soon, if it is time; cb as above, if it is. */
void session_renew(struct session *s, const struct t3ops_user *user, session_cb cb, void *arg);
/* Nobody waits any more; what is in progress goes on. */
void session_leave(struct session *s);
/* The t3 server refused it. */
void session_forget(struct session *s);
/* NAME=VALUE; "": there is none. */
const char *session_cookie(const struct session *s);

void sessions_fini(struct sessions *all);

#endif
