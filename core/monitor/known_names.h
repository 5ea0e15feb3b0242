/* SPDX-License-Identifier: MIT */
/* Whether a name that somebody asks about is one of this configuration or of what was seen here: "nothing" is a poor
 * answer to a slip of the pen.  Monitor process. */
#ifndef T3OPS_MONITOR_KNOWN_NAMES_H
#define T3OPS_MONITOR_KNOWN_NAMES_H

#include "monitor/monitor_state.h"

/* A connection, a leg, a drop, or what jobs and plugins tell names the user. */
bool known_user(const struct monitor *d, const char *user);
/* The users' path or a leg crosses it; also of one user's or one location's own: "serve(alice)". */
bool known_segment(const struct monitor *d, const char *segment);

#endif
