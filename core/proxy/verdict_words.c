/* SPDX-License-Identifier: MIT */
/* Questions, and answers that are kept for a moment; see verdict_words.h. */
#include "proxy/verdict_words.h"

#include <string.h>

#include "sys/clock.h"
#include "tbl/hash.h"

#define WORDS       (UINT64_C(1) << 62) /* in the ids of these questions; my_page.c has another bit */
#define AGAIN_US    UINT64_C(1000000)   /* about one user */
#define SPACING_US  UINT64_C(20000)     /* about all of them: every t3 server may be down */
#define TRUE_FOR_US UINT64_C(15000000)

/* The user's row, which may have been somebody else's. */
static struct verdict_words_row *row_of(struct verdict_words *w, const char *user)
{
	struct verdict_words_row *row = &w->rows[hash_text(HASH_START, user) % VERDICT_WORDS_ROWS];

	if (strcmp(row->user, user) == 0)
		return row;
	*row = (struct verdict_words_row){.id = 0};
	event_set(row->user, user);
	return row;
}

static void ask(struct verdict_words *w, struct channel *channel, struct verdict_words_row *row, uint64_t now_us)
{
	if (now_us - row->asked_us < AGAIN_US || now_us - w->asked_us < SPACING_US)
		return;
	row->id = WORDS | ++w->n_asked;
	row->asked_us = w->asked_us = now_us;
	channel_send(channel, MSG_USER_VERDICT_ASK, PROCESS_MONITOR, row->id, row->user, sizeof row->user);
}

const char *verdict_words_of(struct verdict_words *w, struct channel *channel, const char *user)
{
	struct verdict_words_row *row = row_of(w, user);
	uint64_t now_us = clock_mono_us();

	ask(w, channel, row, now_us);
	return row->text[0] != '\0' && now_us - row->told_us < TRUE_FOR_US ? row->text : NULL;
}

static void answer_take(struct verdict_words_row *row, const struct msg_head *head, const struct msg_reply *reply)
{
	size_t len = head->len - sizeof *reply;

	row->told_us = clock_mono_us();
	if (reply->error != 0 || len >= sizeof row->text)
		len = 0;
	memcpy(row->text, reply->text, len);
	row->text[len] = '\0';
}

bool verdict_words_message(struct verdict_words *w, const struct msg_head *head, const void *payload)
{
	if (!(head->id & WORDS) || (head->type != MSG_USER_VERDICT && head->type != MSG_UNREACHABLE))
		return false;
	for (size_t i = 0; i < VERDICT_WORDS_ROWS && head->type == MSG_USER_VERDICT; i++)
		if (w->rows[i].id == head->id && head->len >= sizeof(struct msg_reply))
			answer_take(&w->rows[i], head, payload);
	return true;
}
