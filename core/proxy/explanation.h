/* SPDX-License-Identifier: MIT */
/* Why t3ops responds itself, in words for the person who waits for the page.  Pure. */
#ifndef T3OPS_PROXY_EXPLANATION_H
#define T3OPS_PROXY_EXPLANATION_H

#include <stddef.h>
#include <stdint.h>

#include "users/users.h"

#define RETRY_SECONDS 3 /* for what passes by itself */

struct explanation {
	int status;
	const char *title, *text; /* title: static, the same for all of one kind */
	unsigned retry_seconds;   /* > 0: Retry-After, and the page reloads by itself */
	uint64_t since_us;        /* of the wall clock: how long it has been so; 0: not given */
	const char *verdict;      /* what was found out about it, NULL: nothing yet */
	const char *link_target;  /* a path of this site to go on at, NULL: none; link_text: what it is called */
	const char *link_text;
};

/* The user's t3 server cannot be reached, or does not respond as it should.  error: negative errno; safe: repeating
 * the request does no harm; text: into which the words are written. */
#define EXPLANATION_TEXT_SIZE 640 /* with the longest name and path */
struct explanation explain_upstream(const struct user *user, int error, bool safe, uint64_t since_us,
                                    char text[EXPLANATION_TEXT_SIZE]);
/* A plugin did not finish in time. */
struct explanation explain_plugin_timeout(const char *plugin, char text[EXPLANATION_TEXT_SIZE]);
/* A page of that origin may not open a WebSocket here; at NULL: none was given. */
struct explanation explain_origin(const char *origin, size_t len, char text[EXPLANATION_TEXT_SIZE]);

/* Nobody is signed in; somebody who is not a user is; or the user table is unknown. */
extern const struct explanation explanation_signed_out, explanation_no_user, explanation_no_table;
/* The user's share is used up. */
extern const struct explanation explanation_quota;
/* The head of the request: what is usually the cause, and what helps. */
extern const struct explanation explanation_too_large;
/* A plugin broke the contract. */
extern const struct explanation explanation_plugin_bug;

#endif
