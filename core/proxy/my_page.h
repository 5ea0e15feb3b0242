/* SPDX-License-Identifier: MIT */
/* /t3ops/me: what the monitor has to tell the user who is signed in of their own connection.  Reachable while the
 * user's t3 server is down.  Proxy. */
#ifndef T3OPS_PROXY_MY_PAGE_H
#define T3OPS_PROXY_MY_PAGE_H

#include "ipc/message.h"
#include "proxy/exchange_state.h"

#define MY_PAGE_PATH "/t3ops/me"

bool my_page_is_asked(const struct exchange *x);
/* Asks the monitor, or refuses; x may be gone. */
void my_page_begin(struct exchange *x);
/* The monitor did not answer in time. */
void my_page_timeout(struct exchange *x);
/* Its answer (MSG_USER_PAGE), or MSG_UNREACHABLE; false: it is for somebody else. */
bool my_page_message(struct worker *worker, const struct msg_head *head, const void *payload);

#endif
