/* SPDX-License-Identifier: MIT */
/* What a notify section gets: which verdicts, and their text on standard input.  Of a verdict's JSON.  Pure. */
#ifndef T3OPS_MONITOR_NOTIFICATION_H
#define T3OPS_MONITOR_NOTIFICATION_H

#include <jansson.h>
#include <stdbool.h>

#include "options/core_options.h"

#define NOTIFICATION_VERSION 1
#define NOTIFICATION_MAX     (48u << 10) /* bytes: with its head it has room in one message */

enum notification_severity { NOTIFICATION_INFO, NOTIFICATION_WARNING, NOTIFICATION_CRITICAL };

/* "info", "warning", "critical" */
const char *notification_severity_name(enum notification_severity severity);
/* Critical: it names a segment that users share; warning: only t3 servers, or this machine; info: all else.
 * per_user: the segments of which every user has their own. */
enum notification_severity notification_severity(const json_t *verdict, const struct text_list *per_user);

/* What is new about it: given, revised, healed or expired. */
const char *notification_what(const json_t *verdict);

/* told: the section was told of this verdict already; then only `revised` and `healed` decide. */
bool notification_is_wanted(const struct notify_options *options, const json_t *verdict,
                            const struct text_list *per_user, bool told);

/* In the section's format; evidence that has no room is counted only.  The caller frees it; NULL without memory.
 * host: this machine's name. */
char *notification_make(const struct notify_options *options, const json_t *verdict, const struct text_list *per_user,
                        const char *host);

#endif
