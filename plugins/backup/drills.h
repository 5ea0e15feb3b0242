/* SPDX-License-Identifier: MIT */
/* In the monitor: when restore drills ended, as metrics of each user; and one that is due is asked for. */
#ifndef T3OPS_PLUGINS_BACKUP_DRILLS_H
#define T3OPS_PLUGINS_BACKUP_DRILLS_H

#include "plugin.h"

/* Rows of the plugin's metric table. */
enum { METRIC_DRILL_SUCCEEDED, METRIC_DRILL_FAILED };

/* Any event; those of other sections are left alone. */
void drills_event(struct t3ops_ctx *ctx, const struct t3ops_event *e);
/* One that an earlier monitor saw: asks for nothing. */
void drills_earlier(struct t3ops_ctx *ctx, const struct t3ops_event *e);

#endif
