/* SPDX-License-Identifier: MIT */
/* What auto_pair knows of one user's t3 server. */
#ifndef T3OPS_PLUGINS_AUTO_PAIR_USER_STATE_H
#define T3OPS_PLUGINS_AUTO_PAIR_USER_STATE_H

#include <stdbool.h>

#include "auto_pair/fresh.h"
#include "plugin.h"

#define COOKIE_NAME_SIZE 96
#define DEFAULT_COOKIE   "t3_session" /* before the t3 server has announced another name */
#define FAILURE_SIZE     400

struct attempt;

struct user_state {
	LIST_ENTRY(user_state) link;
	char name[T3OPS_USER_NAME_SIZE], host[48];
	uint16_t port;
	char cookie_name[COOKIE_NAME_SIZE];
	bool announced; /* cookie_name is the t3 server's own word */
	struct fresh_list fresh;
	LIST_HEAD(, attempt) attempts; /* in progress */

	uint64_t failed_us; /* the last attempt failed then; 0: it did not */
	uint32_t failed_result;
	char failed_text[FAILURE_SIZE];
	uint64_t loop_reported_us;

	uint64_t minute_us; /* when the minute of max_per_minute began */
	int64_t n_in_minute;
	bool limit_reported; /* in that minute */
};

struct user_states {
	LIST_HEAD(, user_state) list;
};

/* The user's, made if there is none yet; NULL without memory.  What is known of another t3 server is forgotten. */
struct user_state *user_state_get(struct user_states *states, const struct t3ops_user *user);
/* Forgets everything; no attempt is in progress. */
void user_states_clear(struct user_states *states);

/* The t3 server has told its cookie's name; NULL or "": it has not. */
void user_state_name_cookie(struct user_state *u, const char *name);
/* "http://HOST:PORT" and the path. */
void user_state_url(const struct user_state *u, const char *path, char *out, size_t size);

#endif
