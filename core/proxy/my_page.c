/* SPDX-License-Identifier: MIT */
/* A user's own page; see my_page.h. */
#include "proxy/my_page.h"

#include <string.h>

#include "proxy/access_log.h"
#include "proxy/exchange_local.h"
#include "proxy/worker.h"

#define MINE (UINT64_C(1) << 63) /* in the ids of these questions: plugins ask others with ids of their own */
#define POLICY                                                                                                       \
	"content-security-policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "                  \
	"form-action 'none'; frame-ancestors 'none'"

static const struct explanation no_answer = {
    .status = 503,
    .title = "Nothing can be said now",
    .retry_seconds = RETRY_SECONDS,
    .text = "The part of t3ops that knows does not answer at the moment.",
};
static const struct explanation only_get = {
    .status = 405, .title = "Only GET", .text = "This page can only be read."};

bool my_page_is_asked(const struct exchange *x)
{
	return span_is(x->request.path, MY_PAGE_PATH);
}

void my_page_begin(struct exchange *x)
{
	const struct request *r = &x->request;
	char user[T3OPS_USER_NAME_SIZE] = "";

	if (r->identity[0] == '\0') {
		exchange_refuse_unidentified(x);
		return;
	}
	if (!span_is(r->head.method, "GET") && !span_is(r->head.method, "HEAD")) {
		exchange_refuse(x, &only_get);
		return;
	}
	if (!r->has_user) {
		exchange_refuse(x, users_are_known(x->worker->users) ? &explanation_no_user : &explanation_no_table);
		return;
	}
	strcpy(user, r->user.name);
	x->asks_monitor = true;
	exchange_set_state(x, EXCHANGE_WAITING);
	if (channel_send(x->worker->process->channel, MSG_USER_PAGE_ASK, PROCESS_MONITOR, x->filters.request | MINE,
	                 user, sizeof user) < 0)
		my_page_timeout(x);
}

void my_page_timeout(struct exchange *x)
{
	exchange_refuse(x, &no_answer);
}

static void page_respond(struct exchange *x, const char *html, size_t len)
{
	static const char *const headers[] = {"content-type: text/html; charset=utf-8",
	                                      "x-content-type-options: nosniff", "referrer-policy: no-referrer",
	                                      POLICY, NULL};

	exchange_local_make(x, 200, headers, html, len);
	exchange_blame(x, BLAME_LOCAL);
	exchange_local_send(x);
}

bool my_page_message(struct worker *worker, const struct msg_head *head, const void *payload)
{
	const struct msg_reply *reply = payload;
	struct exchange *x;

	if (!(head->id & MINE) || (head->type != MSG_USER_PAGE && head->type != MSG_UNREACHABLE))
		return false;
	x = request_ids_find(&worker->exchanges->ids, head->id & ~MINE);
	if (!x || !x->asks_monitor)
		return true; /* the browser did not wait */
	if (head->type == MSG_USER_PAGE && head->len >= sizeof *reply && reply->error == 0)
		page_respond(x, reply->text, head->len - sizeof *reply);
	else
		my_page_timeout(x);
	return true;
}
