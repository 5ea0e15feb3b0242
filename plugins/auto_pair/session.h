/* SPDX-License-Identifier: MIT */
/* Asks a t3 server whether cookies hold a session that is alive. */
#ifndef T3OPS_PLUGINS_AUTO_PAIR_SESSION_H
#define T3OPS_PLUGINS_AUTO_PAIR_SESSION_H

#include "auto_pair/user_state.h"

struct session_query;

struct sessions {
	struct t3ops_ctx *ctx;
	struct user_states *users;
	LIST_HEAD(, session_query) queries;
};

/* As t3ops_pairing.check: answers through cb exactly once, perhaps before it returns. */
void session_ask(struct sessions *s, const struct t3ops_user *user, const char *cookies, t3ops_session_cb cb,
                 void *arg);
/* Whoever still waits is answered. */
void sessions_fini(struct sessions *s);

#endif
