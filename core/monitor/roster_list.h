/* SPDX-License-Identifier: MIT */
/*
 * The list of users, from what is known of them here and there, some rows at a time: there may be tens of thousands.
 * Monitor process.
 */
#ifndef T3OPS_MONITOR_ROSTER_LIST_H
#define T3OPS_MONITOR_ROSTER_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "monitor/monitor_state.h"

struct roster_list;

/* Of one user, or (NULL) all; only is borrowed.  NULL without memory. */
struct roster_list *roster_list_new(const struct monitor *d, const char *only);
void roster_list_free(struct roster_list *l); /* NULL is fine */
/* Gathers some; true: that was all.  n: how many units of the loop's work that was. */
bool roster_list_step(struct roster_list *l, size_t *n);
/* When all are gathered: by name, in no order; borrowed. */
json_t *roster_list_users(const struct roster_list *l);

/* New reference: everybody who is known, by name, gathered at once; the times are as in verdicts:
 * [{"user":, "tunnels":N, "connected_since":, "heartbeat_seconds":, "heartbeat_p99_seconds":,
 * "bytes_up_per_second":, "bytes_down_per_second":, "last_drop":, "leg":STATE, ...}], and what plugins and jobs have
 * said of them in metrics: "facts":{NAME:TEXT}, "times":{NAME:TIME}. */
json_t *roster_json(const struct monitor *d);
/* The same of one; NULL: nothing is known. */
json_t *roster_user_json(const struct monitor *d, const char *user);

#endif
