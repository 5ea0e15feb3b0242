/* SPDX-License-Identifier: MIT */
/* In the monitor: what the runs and actions of upgrade ended with, as metrics of each user. */
#ifndef T3OPS_PLUGINS_UPGRADE_OUTCOMES_H
#define T3OPS_PLUGINS_UPGRADE_OUTCOMES_H

#include "plugin.h"

/* Rows of the plugin's metric table. */
enum { METRIC_ENDED, METRIC_FROZEN, METRIC_INSTALLED, METRIC_VERSIONS, METRIC_MANAGED, METRIC_ROLLOUT, METRIC_USERS };

struct outcomes;

struct outcomes *outcomes_new(struct t3ops_ctx *ctx); /* NULL without memory */
void outcomes_free(struct outcomes *o);
/* The user was rolled back now. */
void outcomes_rolled_back(struct outcomes *o, const char *user);
/* Any event; those of other sections are left alone. */
void outcomes_event(struct outcomes *o, const struct t3ops_event *e);

/* Pure: how an end that failed is called, by the text of its event: rejected, gate_broken, rolled_back,
 * rollback_failed; NULL: it is none of these (a version that had been rejected before is reported once). */
const char *outcome_of(const char *line);
/* Pure: the value of a fact, key=VALUE, of an event's line.  False: it is not there. */
bool outcome_fact(const char *line, const char *key, char *out, size_t size);

#endif
