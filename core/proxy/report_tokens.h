/* SPDX-License-Identifier: MIT */
/*
 * Which user's browser a report is of: reports carry no cookie, so the URL they are sent to holds a token.  It is an
 * HMAC of user and day under the installation's key, so that it says nothing, cannot be guessed, and is another one
 * the next day; that of the day before is known, too.  Proxy.
 */
#ifndef T3OPS_PROXY_REPORT_TOKENS_H
#define T3OPS_PROXY_REPORT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "net/http_head.h"
#include "users/user_list.h"

#define REPORT_TOKEN_BYTES 16
#define REPORT_TOKEN_SIZE  (2 * REPORT_TOKEN_BYTES + 1) /* as text, with its NUL */
#define REPORT_TOKEN_DAY_S 86400

struct report_token_row;

/* Zeroed, with a key, is ready. */
struct report_tokens {
	const char *key;               /* borrowed */
	uint64_t day;                  /* that rows are of, and of the one before */
	struct report_token_row *rows; /* sorted; NULL: to be made */
	size_t n;
};

/* The token of the user today; wall_us since 1970. */
void report_token_make(const struct report_tokens *t, const char *user, uint64_t wall_us,
                       char out[REPORT_TOKEN_SIZE]);
/* Whose it is; NULL: nobody's.  Valid until report_tokens_forget. */
const char *report_token_user(struct report_tokens *t, const struct user_list *users, struct span token,
                              uint64_t wall_us);
/* The users have changed, or the end. */
void report_tokens_forget(struct report_tokens *t);

#endif
