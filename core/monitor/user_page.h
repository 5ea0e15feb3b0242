/* SPDX-License-Identifier: MIT */
/* The page of one user, /t3ops/me: the connection now, the drops of seven days in plain words and what to do, a
 * paragraph for a ticket.  It has nothing of anybody else.  Asked for by a proxy, which knows who is signed in.
 * Monitor process. */
#ifndef T3OPS_MONITOR_USER_PAGE_H
#define T3OPS_MONITOR_USER_PAGE_H

#include "ipc/message.h"
#include "monitor/monitor_state.h"

/* MSG_USER_PAGE_ASK: answered by MSG_USER_PAGE when the journal was read. */
void user_page_message(struct monitor *d, const struct msg_head *head, const void *payload);
/* MSG_USER_VERDICT_ASK: answered MSG_USER_VERDICT at once. */
void user_verdict_message(struct monitor *d, const struct msg_head *head, const void *payload);

#endif
