/* SPDX-License-Identifier: MIT */
/*
 * The programs of notify sections: started when the monitor has something to tell, one at a time for each section, as
 * the account of the section, with the notification as a file for standard input.  Helper only.
 */
#ifndef T3OPS_HELPER_NOTIFY_RUNS_H
#define T3OPS_HELPER_NOTIFY_RUNS_H

#include "helper/audit.h"
#include "users/user_list.h"

struct notify_runs;

/* The account that such a program runs as, as a user of no table; core_user: of the option outside sections.  0;
 * -ENOENT: this machine has no such account; -EPERM: it is root's.  Started without privileges, t3ops is nobody
 * else. */
int notify_account(const struct notify_options *options, const char *core_user, struct user *out);

/* Looks the accounts up, once.  audit is borrowed.  NULL without memory. */
struct notify_runs *notify_runs_new(struct process *process, struct audit *audit);
/* Kills what runs. */
void notify_runs_free(struct notify_runs *r);
/* MSG_NOTIFY: answered MSG_RAN when the program is gone, or at once if it cannot be started. */
void notify_runs_message(struct notify_runs *r, const struct msg_head *head, const void *payload);

#endif
