/* SPDX-License-Identifier: MIT */
/*
 * What the verdict that stands says to a user whose page t3ops answers itself, for want of the t3 server: asked of
 * the monitor beside the first such page, and part of the next one, which the browser asks for by itself.  Nothing
 * waits for it.  Proxy.
 */
#ifndef T3OPS_PROXY_VERDICT_WORDS_H
#define T3OPS_PROXY_VERDICT_WORDS_H

#include "ipc/channel.h"

#define VERDICT_WORDS_ROWS 64
#define VERDICT_WORDS_SIZE 400

/* Zeroed is empty and valid.  Users who share a row push each other out, and are asked about more often for it. */
struct verdict_words {
	struct verdict_words_row {
		char user[T3OPS_USER_NAME_SIZE];
		char text[VERDICT_WORDS_SIZE];
		uint64_t id; /* of the question */
		uint64_t asked_us, told_us;
	} rows[VERDICT_WORDS_ROWS];
	uint64_t n_asked, asked_us;
};

/* The words for that user, valid until the loop goes on, or NULL: nothing is known (yet).  Asks for newer ones, over
 * the channel of this process. */
const char *verdict_words_of(struct verdict_words *w, struct channel *channel, const char *user);
/* An answer, or MSG_UNREACHABLE; false: it is for somebody else. */
bool verdict_words_message(struct verdict_words *w, const struct msg_head *head, const void *payload);

#endif
