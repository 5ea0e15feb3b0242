/* SPDX-License-Identifier: MIT */
/*
 * Requests of open pages whose session has died: the t3 server answered 401, and confirms that the cookie is dead.
 * Such a request is paired and sent once more with the new cookie, whose Set-Cookie rides in the answer, a 101
 * included.  One that cannot be healed is answered here, with growing pauses.
 */
#ifndef T3OPS_PLUGINS_SESSION_CHECK_HEAL_H
#define T3OPS_PLUGINS_SESSION_CHECK_HEAL_H

#include "plugin.h"

#define ALIVE_ROWS 256
#define PAUSE_ROWS 64

/* Rows of the plugin's metric table. */
enum { METRIC_CHECKS, METRIC_HEALED };

/* Cookies whose session was alive a moment ago. */
struct alive {
	uint64_t key, until_us;
};

/* Cookies, or browsers, that could not be healed. */
struct heal_pause {
	uint64_t key, until_us;
	unsigned failures;
};

struct session_check {
	const struct t3ops_pairing *pairing;
	struct alive alive[ALIVE_ROWS];
	struct heal_pause pauses[PAUSE_ROWS];
	struct heal_pause browsers[PAUSE_ROWS]; /* of which no session lives */
	uint64_t trust_us, loop_reported_us;
};

/* n more answers of that kind, enum t3ops_session. */
void heal_count_check(struct t3ops_ctx *ctx, uint32_t session, uint64_t n);
/* The plugin's on_unauthorized. */
enum t3ops_next heal_begin(struct t3ops_ctx *ctx, t3ops_request_id r);
/* Whether the request's cookies could not be healed a moment ago, so that there is no use in asking again; never for
 * navigations. */
bool heal_is_paused(struct t3ops_ctx *ctx, t3ops_request_id r);
enum t3ops_next heal_refuse(struct t3ops_ctx *ctx, t3ops_request_id r);

/* Of the user and the cookies that may be the session's: others change all the time.  A collision makes a dead cookie
 * pass, or wait, for a few seconds. */
uint64_t heal_cookie_key(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *cookies);
/* The session's cookie, or while its name may have changed anything that looks like one. */
bool heal_has_session_cookie(struct t3ops_ctx *ctx, const char *cookies, const struct t3ops_user *user);

#endif
