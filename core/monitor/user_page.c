/* SPDX-License-Identifier: MIT */
/* Who is asked about, and the answer; see user_page.h. */
#include "monitor/user_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/roster.h"
#include "monitor/status.h"
#include "monitor/user_page_html.h"
#include "monitor/verdict_span.h"
#include "monitor/verdicts_since.h"
#include "sys/clock.h"

#define WEEK_US   (7 * UINT64_C(86400000000))
#define AT_ONCE   16 /* pages that are made at the same time; more are refused */
#define DROPS_MAX 50

struct user_page {
	struct monitor *d;
	uint32_t to;
	uint64_t id;
	char user[T3OPS_USER_NAME_SIZE];
};

static void reply_send(struct monitor *d, enum msg_type type, uint32_t to, uint64_t id, int error, const char *text,
                       size_t len)
{
	struct msg_reply *r;

	if (len > MSG_MAX - sizeof *r) {
		len = 0;
		error = -EMSGSIZE;
	}
	r = malloc(sizeof *r + len);
	if (r == NULL)
		return; /* the proxy does not wait for ever */
	r->error = error;
	if (len > 0)
		memcpy(r->text, text, len);
	channel_send(d->process->channel, type, to, id, r, sizeof *r + len);
	free(r);
}

static void reply(const struct user_page *p, int error, const char *text, size_t len)
{
	reply_send(p->d, MSG_USER_PAGE, p->to, p->id, error, text, len);
}

/* The user's own row; NULL: nothing is known. */
static const json_t *row_of(const json_t *users, const char *user)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)users, i, row)
		if (strcmp(json_string_value(json_object_get(row, "user")), user) == 0)
			return row;
	return NULL;
}

static void on_verdicts(void *arg, json_t *verdicts, bool gone)
{
	struct user_page *p = arg;
	json_t *users = roster_json(p->d);
	size_t len = 0;
	char *html = NULL;

	p->d->user_pages--;
	if (verdicts != NULL)
		html = user_page_html(p->user, row_of(users, p->user), verdicts, &len);
	if (!gone)
		reply(p, html != NULL ? 0 : -EIO, html, len);
	free(html);
	json_decref(users);
	json_decref(verdicts);
	free(p);
}

void user_page_message(struct monitor *d, const struct msg_head *head, const void *payload)
{
	struct user_page *p = head->len == sizeof p->user ? calloc(1, sizeof *p) : NULL;
	struct verdicts_ask ask = {.since_us = clock_wall_us() - WEEK_US,
	                           .segment = "",
	                           .limit = DROPS_MAX,
	                           .owner = p,
	                           .on_verdicts = on_verdicts,
	                           .arg = p};

	if (p == NULL)
		return;
	p->d = d;
	p->to = head->from;
	p->id = head->id;
	memcpy(p->user, payload, sizeof p->user);
	p->user[sizeof p->user - 1] = '\0';
	if (d->user_pages >= AT_ONCE) {
		reply(p, -EBUSY, NULL, 0);
		free(p);
		return;
	}
	d->user_pages++;
	ask.user = p->user;
	verdicts_since(d, &ask);
}

/* ---- what stands -------------------------------------------------------------------------------------- */

static bool stands_for(const json_t *verdict, const char *user)
{
	const char *state = json_string_value(json_object_get(verdict, "state"));

	return state != NULL && strcmp(state, "standing") == 0 &&
	       (verdict_span_is_about(verdict, user) || verdict_span_has_segment(verdict, "host"));
}

void user_verdict_message(struct monitor *d, const struct msg_head *head, const void *payload)
{
	json_t *standing, *verdict;
	char user[T3OPS_USER_NAME_SIZE], *words = NULL;
	size_t i;

	if (head->len != sizeof user)
		return;
	memcpy(user, payload, sizeof user);
	user[sizeof user - 1] = '\0';
	standing = standing_json(d);
	json_array_foreach (standing, i, verdict)
		if (words == NULL && stands_for(verdict, user))
			words = user_verdict_words(verdict);
	reply_send(d, MSG_USER_VERDICT, head->from, head->id, words != NULL ? 0 : -ENOENT, words,
	           words != NULL ? strlen(words) : 0);
	free(words);
	json_decref(standing);
}
