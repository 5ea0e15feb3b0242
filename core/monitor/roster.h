/* SPDX-License-Identifier: MIT */
/*
 * Who is connected: the users of all proxies, as these report them (tunnel_census) every few seconds, and when each
 * of them last dropped, as the journal has it.  Monitor process.
 */
#ifndef T3OPS_MONITOR_ROSTER_H
#define T3OPS_MONITOR_ROSTER_H

#include <stdbool.h>

#include "monitor/monitor_state.h"

struct roster;

/* NULL without memory. */
struct roster *roster_new(void);
void roster_free(struct roster *r);
/* Reads from the journal who dropped when. */
void roster_begin(struct monitor *d);
/* Once a second: asks the proxies, when that is due. */
void roster_look(struct monitor *d);
/* It may have tunnels of an earlier one. */
void roster_proxy_started(struct monitor *d);
/* Somebody looks on: the proxies are asked again at the next look, and so are the rates. */
void roster_follow(struct monitor *d);
/* An event, of that process. */
void roster_event(struct monitor *d, const struct event *e, uint32_t from);

/* Whether the journal has a drop of that user. */
bool roster_dropped(const struct roster *r, const char *user);

#endif
