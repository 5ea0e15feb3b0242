/* SPDX-License-Identifier: MIT */
/* The sign-in of the status pages, with page_token_file: who is let in, the form for everybody else, and the answer
 * to it.  Monitor process. */
#ifndef T3OPS_MONITOR_PAGE_SIGN_IN_H
#define T3OPS_MONITOR_PAGE_SIGN_IN_H

#include "monitor/http_answer.h"
#include "monitor/monitor_state.h"
#include "net/http_head.h"

#define PAGE_SIGN_IN "/sign-in"

void page_sign_in_init(struct monitor *d);
/* Without page_token_file everybody is let in. */
bool page_sign_in_ok(const struct monitor *d, const struct http_head *h);
/* What everybody else is answered: a form for a browser that asks for a page, one line for programs. */
void page_sign_in_ask(struct monitor *d, const struct local_conn *c, const struct http_head *h, bool html,
                      struct http_answer *a);
/* How long the form is that a sent sign-in has; -EINVAL: it is none. */
int page_sign_in_length(const struct http_head *h);
/* The form was sent. */
void page_sign_in_answer(struct monitor *d, const struct local_conn *c, const struct http_head *h, const char *body,
                         size_t len, struct http_answer *a);

#endif
