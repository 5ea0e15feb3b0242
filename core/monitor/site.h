/* SPDX-License-Identifier: MIT */
/* The operator's page at / of the status listener, and what it is drawn with.  Monitor process. */
#ifndef T3OPS_MONITOR_SITE_H
#define T3OPS_MONITOR_SITE_H

#include "monitor/monitor_state.h"

/* Answers, at once or when the journal was read; false: that path is not of the page. */
bool site_answer(struct monitor *d, struct local_conn *c, const char *path, const char *query, bool with_body);

#endif
