/* SPDX-License-Identifier: MIT */
/*
 * Notifications on their way to the programs of notify sections: a queue for each section, of which one at a time is
 * with the helper; a failure is tried again after a pause that grows, until retry_for has passed.  What waits is
 * written down and goes on in the next monitor, so a notification may come twice but is not lost.  Monitor process.
 *
 *   IDLE --something waits--> RUNNING --exit 0--> IDLE
 *                             RUNNING --anything else--> PAUSED --pause over--> RUNNING
 */
#ifndef T3OPS_MONITOR_NOTIFIER_H
#define T3OPS_MONITOR_NOTIFIER_H

#include <jansson.h>

#include "ipc/message.h"
#include "process/process.h"

struct notifier;

/* NULL without memory.  Nothing is sent before notifier_begin. */
struct notifier *notifier_new(struct process *process, const char *host);
void notifier_free(struct notifier *n); /* NULL is fine */
/* This monitor is the one that tells: takes up what an earlier one left. */
void notifier_begin(struct notifier *n);
/* A verdict was given or revised, or has ended. */
void notifier_verdict(struct notifier *n, const json_t *verdict);
/* False: it is not about a notification. */
bool notifier_message(struct notifier *n, const struct msg_head *head, const void *payload);

#endif
